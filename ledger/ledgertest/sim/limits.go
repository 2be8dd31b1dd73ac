package sim

import (
	"strings"

	"aval/domain"
)

func isEscrow(account string) bool { return strings.HasPrefix(account, "escrow/") }

// limits are what a bank and an owner allow on an account, in the order most, least, daily;
// zero is no limit.
type limits struct{ bank, own [3]int64 }

const (
	most = iota
	least
	daily
)

// narrow is the bound that counts.
func (l *limits) narrow(bound int) int64 {
	a, b := l.bank[bound], l.own[bound]
	if bound == least || a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// allows judges a command that changes a balance so that left is on it, takes out of it, and
// is perhaps paid by somebody, after spent was taken on that day.
func (l *limits) allows(change, left, out, spent int64, paid bool) bool {
	if change < 0 && left < l.narrow(least) {
		return false
	}
	if l.narrow(daily) != 0 && out > 0 && spent+out > l.narrow(daily) {
		return false
	}
	return l.narrow(most) == 0 || !paid || change <= 0 || left <= l.narrow(most)
}

// limit is the command that sets one side's bounds.
func (m *model) limit(e *entry, o request) {
	v, b := &e.verdict, money{partyAccount(o.to), o.amount.Currency}
	for _, bound := range o.bounds {
		v.refuse(bound < 0 || bound > domain.MaxMinor, domain.InvalidAmount)
	}
	v.refuse(o.bounds[most] != 0 && o.bounds[most] < o.bounds[least], domain.InvalidTerms)
	v.refuse(m.issued(o.amount.Currency) != e.contract, domain.NotFound)
	v.refuse(e.sender != o.to && string(e.sender) != e.contract, domain.NotPermitted)
	v.refuse(m.parties[o.to] == nil, domain.NotFound)
	if !v.success() {
		return
	}
	if m.limits[b] == nil {
		m.limits[b] = &limits{}
	}
	if e.see(o.to); e.sender == o.to {
		m.limits[b].own = o.bounds
	} else {
		m.limits[b].bank = o.bounds
	}
}
