package sim

import "aval/domain"

// longestHold is 366 days.
const longestHold = 366 * day

func holdAccount(id string) string { return "escrow/cash/1/hold/" + id }

// heldMoney is a hold: money that a payer set aside for a payee.
type heldMoney struct {
	payer, payee domain.PartyID
	left         domain.Money
	expires      domain.Millis
	status       string
	final        bool
}

func (m *model) hold(e *entry, o request) {
	v, move := &e.verdict, posting{partyAccount(e.sender), holdAccount(o.id), o.amount}
	m.afford(v, move)
	v.refuse(m.parties[o.to] == nil, domain.NotFound)
	v.refuse(o.to == e.sender, domain.InvalidTerms)
	v.refuse(m.issued(o.amount.Currency) != e.contract, domain.NotFound)
	v.refuse(o.at <= m.now || o.at > m.now+longestHold, domain.InvalidTerms)
	v.refuse(m.holds[o.id] != nil, domain.AlreadyExists)
	if v.success() {
		m.holds[o.id] = &heldMoney{payer: e.sender, payee: o.to, left: o.amount, expires: o.at, status: "held"}
		m.pay(e, move)
		m.ask(o.at, domain.CashKind, o.id, "Expire")
		e.see(o.to)
	}
}

// endHold takes money out of a hold: to the payee by capture, back to the payer in the end.
func (m *model) endHold(e *entry, o request, h *heldMoney) {
	v, expired := &e.verdict, e.from == nil
	v.refuse(e.name == "capture" && o.amount.Minor <= 0, domain.InvalidAmount)
	v.refuse(h == nil || h.final || !expired && e.sender != h.payer && e.sender != h.payee, domain.NotFound)
	if !v.success() {
		return
	}
	rest := h.left
	var moves []posting
	switch e.name {
	case "capture":
		moves = []posting{{holdAccount(e.contract), partyAccount(h.payee), o.amount}}
		v.refuse(e.sender != h.payee, domain.NotPermitted)
		v.refuse(o.amount.Minor > h.left.Minor, domain.InvalidAmount)
		rest.Minor -= o.amount.Minor
	case "release":
		v.refuse(e.sender != h.payee && m.now < h.expires, domain.TooEarly)
	}
	if !v.success() {
		return
	}
	e.see(h.payer, h.payee)
	h.left = rest
	if e.name != "capture" || o.final || rest.Minor == 0 {
		h.status = map[string]string{"capture": "captured", "release": "released", "Expire": "expired"}[e.name]
		h.final = true
		m.ask(0, domain.CashKind, e.contract, "Expire")
		if rest.Minor > 0 {
			moves = append(moves, posting{holdAccount(e.contract), partyAccount(h.payer), rest})
		}
	}
	m.pay(e, moves...)
}

// reversal names a posting: its entry and its number there.
type reversal struct {
	index  uint64
	number int
}

// reverse gives back some of what one posting paid. A batch does not see its own postings.
func (m *model) reverse(e *entry, o request) {
	v, ref := &e.verdict, reversal{uint64(o.length), o.number}
	v.refuse(o.amount.Minor <= 0 || o.amount.Minor > domain.MaxMinor, domain.InvalidAmount)
	v.refuse(m.issued(o.amount.Currency) != e.contract, domain.NotFound)
	var original posting
	if ref.index < uint64(m.base) && m.log[ref.index] != nil && ref.number < len(m.log[ref.index].postings) {
		original = m.log[ref.index].postings[ref.number]
	}
	if !owns(e.sender, original.from) && !owns(e.sender, original.to) {
		v.refuse(true, domain.NotFound)
		return
	}
	v.refuse(isEscrow(original.from) || original.to != partyAccount(e.sender), domain.NotPermitted)
	v.refuse(m.log[ref.index].name == "reverse", domain.NotPermitted)
	v.refuse(o.amount.Currency != original.amount.Currency, domain.CurrencyMismatch)
	v.refuse(m.reversed[ref] == original.amount.Minor, domain.WrongState)
	v.refuse(o.amount.Minor > original.amount.Minor-m.reversed[ref], domain.InvalidAmount)
	move := posting{original.to, original.from, o.amount}
	if v.success() {
		m.afford(v, move)
	}
	if v.success() {
		m.reversed[ref] += o.amount.Minor
		m.pay(e, move)
	}
}
