package sim

import "aval/domain"

// day is in milliseconds.
const day domain.Millis = 24 * 60 * 60 * 1000

// answerWindow is how long a bank may be silent, before and after it accepts.
const answerWindow = 7 * day

func partyAccount(p domain.PartyID) string { return "party/" + string(p) }
func issueAccount(p domain.PartyID) string { return "issue/" + string(p) }
func redemptionAccount(id string) string   { return "escrow/cash/1/redemption/" + id }
func depositAccount(id string) string      { return "escrow/deposit/1/deposit/" + id }

// cash is cash/1.
func (m *model) cash(e *entry, o request) {
	v, id := &e.verdict, e.contract
	switch e.name {
	case "issue", "transfer":
		m.payments(e, []request{o})
	case "bulkIssue", "bulkTransfer":
		v.refuse(len(o.items) == 0, domain.LimitExceeded)
		m.payments(e, o.items)
	case "redeem":
		move := posting{partyAccount(e.sender), redemptionAccount(o.id), o.amount}
		m.afford(v, move)
		v.refuse(m.issued(o.amount.Currency) != id, domain.NotFound)
		v.refuse(m.redemptions[o.id] != nil, domain.AlreadyExists)
		if v.success() {
			m.redemptions[o.id] = &redemption{bank: domain.PartyID(id), holder: e.sender, amount: o.amount, status: "requested"}
			m.pay(e, move)
			m.ask(m.now+answerWindow, domain.CashKind, o.id, "Return")
			e.see(domain.PartyID(id))
		}
	case "hold":
		m.hold(e, o)
	case "capture", "release", "Expire":
		m.endHold(e, o, m.holds[id])
	case "reverse":
		m.reverse(e, o)
	case "limit":
		m.limit(e, o)
	default:
		m.answer(e, m.redemptions[id])
	}
}

func (m *model) issued(c domain.Currency) string { return string(m.issuers[c]) }

// payments are one or many as one: only all of them together may take more than there is.
func (m *model) payments(e *entry, items []request) {
	v, issuing, from := &e.verdict, e.name == "issue" || e.name == "bulkIssue", partyAccount(e.sender)
	if issuing {
		from = issueAccount(e.sender)
	}
	var moves []posting
	for _, p := range items {
		moves = append(moves, posting{from, partyAccount(p.to), p.amount})
		v.refuse(m.parties[p.to] == nil, domain.NotFound)
		issuer, issued := m.issuers[p.amount.Currency]
		if issuing {
			v.refuse(!m.has(e.sender, domain.RoleBank) || e.contract != string(e.sender) || issued && issuer != e.sender, domain.NotPermitted)
		} else {
			v.refuse(p.to == e.sender, domain.InvalidTerms)
			v.refuse(string(issuer) != e.contract, domain.NotFound)
		}
	}
	if m.afford(v, moves...); !v.success() {
		return
	}
	for _, p := range items {
		if issuing {
			m.issuers[p.amount.Currency] = e.sender
		}
	}
	m.pay(e, moves...)
}

// answer is a bank's, or a deadline's, word on a redemption.
func (m *model) answer(e *entry, r *redemption) {
	v, id := &e.verdict, e.contract
	v.refuse(r == nil || r.final, domain.NotFound)
	if !v.success() {
		return
	}
	silent := e.from == nil
	v.refuse(!silent && e.sender != r.bank && e.sender != r.holder, domain.NotFound)
	v.refuse(!silent && e.sender == r.holder && e.sender != r.bank, domain.NotPermitted)
	v.refuse(e.name == "accept" && r.status != "requested", domain.WrongState)
	if !v.success() {
		return
	}
	e.see(r.bank, r.holder)
	switch e.name {
	case "accept":
		r.status = "accepted"
		m.ask(0, domain.CashKind, id, "Return")
		m.ask(m.now+answerWindow, domain.CashKind, id, "Overdue")
	case "Overdue":
		r.status = "overdue"
	case "settle":
		m.finish(e, r, "settled", issueAccount(r.bank))
	case "refuse":
		m.finish(e, r, "refused", partyAccount(r.holder))
	case "Return":
		m.finish(e, r, "returned", partyAccount(r.holder))
	}
}

func (m *model) finish(e *entry, r *redemption, status, to string) {
	r.status, r.final = status, true
	m.pay(e, posting{redemptionAccount(e.contract), to, r.amount})
	m.ask(0, domain.CashKind, e.contract, "Return")
	m.ask(0, domain.CashKind, e.contract, "Overdue")
}
