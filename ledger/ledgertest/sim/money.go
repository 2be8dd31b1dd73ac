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
	v := &e.verdict
	bank := domain.PartyID(e.contract)
	switch e.name {
	case "issue":
		m.checkAmount(v, o.amount, "")
		v.refuse(m.parties[o.to] == nil, domain.NotFound)
		v.refuse(!m.has(e.sender, domain.RoleBank) || bank != e.sender, domain.NotPermitted)
		issuer, issued := m.issuers[o.amount.Currency]
		v.refuse(issued && issuer != e.sender, domain.NotPermitted)
		if v.success() {
			m.issuers[o.amount.Currency] = e.sender
			m.pay(e, issueAccount(e.sender), partyAccount(o.to), o.amount)
		}
	case "transfer":
		m.checkAmount(v, o.amount, partyAccount(e.sender))
		v.refuse(m.parties[o.to] == nil, domain.NotFound)
		v.refuse(o.to == e.sender, domain.InvalidTerms)
		v.refuse(m.issuers[o.amount.Currency] != bank, domain.NotFound)
		if v.success() {
			m.pay(e, partyAccount(e.sender), partyAccount(o.to), o.amount)
		}
	case "bulkIssue", "bulkTransfer":
		m.bulk(e, o)
	case "redeem":
		m.checkAmount(v, o.amount, partyAccount(e.sender))
		v.refuse(m.issuers[o.amount.Currency] != bank, domain.NotFound)
		v.refuse(m.redemptions[o.id] != nil, domain.AlreadyExists)
		if v.success() {
			m.redemptions[o.id] = &redemption{bank: bank, holder: e.sender, amount: o.amount, status: "requested"}
			m.pay(e, partyAccount(e.sender), redemptionAccount(o.id), o.amount)
			m.ask(m.now+answerWindow, domain.CashKind, o.id, "Return")
			e.see(bank)
		}
	default:
		m.answer(e, m.redemptions[e.contract])
	}
}

// bulk is many payments as one: only all of them together may take more than there is.
func (m *model) bulk(e *entry, o request) {
	v, issuing := &e.verdict, e.name == "bulkIssue"
	from, needs := partyAccount(e.sender), map[domain.Currency]int64{}
	if issuing {
		from = issueAccount(e.sender)
	}
	v.refuse(len(o.items) == 0, domain.LimitExceeded)
	for _, p := range o.items {
		m.checkAmount(v, p.amount, "")
		v.refuse(m.parties[p.to] == nil, domain.NotFound)
		issuer, issued := m.issuers[p.amount.Currency]
		if issuing {
			v.refuse(!m.has(e.sender, domain.RoleBank) || e.contract != string(e.sender) || issued && issuer != e.sender, domain.NotPermitted)
			continue
		}
		v.refuse(p.to == e.sender, domain.InvalidTerms)
		v.refuse(string(issuer) != e.contract, domain.NotFound)
		needs[p.amount.Currency] += p.amount.Minor
		v.refuse(needs[p.amount.Currency] > m.balances[money{from, p.amount.Currency}], domain.InsufficientFunds)
	}
	if !v.success() {
		return
	}
	for _, p := range o.items {
		if issuing {
			m.issuers[p.amount.Currency] = e.sender
		}
		m.pay(e, from, partyAccount(p.to), p.amount)
	}
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
	m.pay(e, redemptionAccount(e.contract), to, r.amount)
	m.ask(0, domain.CashKind, e.contract, "Return")
	m.ask(0, domain.CashKind, e.contract, "Overdue")
}

// deposit is deposit/1.
func (m *model) deposit(e *entry, o request) {
	v, id := &e.verdict, e.contract
	switch e.name {
	case "open":
		m.checkAmount(v, o.amount, partyAccount(e.sender))
		v.refuse(m.deposits[id] != nil, domain.AlreadyExists)
		v.refuse(m.parties[o.to] == nil, domain.NotFound)
		v.refuse(o.at <= m.now, domain.InvalidTerms)
		if v.success() {
			m.deposits[id] = &deposit{owner: e.sender, to: o.to, amount: o.amount, watched: o.watched, status: "opened"}
			m.pay(e, partyAccount(e.sender), depositAccount(id), o.amount)
			m.until(id, o.at, o.watched)
			m.ask(m.now+(o.at-m.now)/2, DepositKind, id, "Remind")
			e.see(o.to)
		}
	case "chain":
		v.refuse(m.chains[id] != nil, domain.AlreadyExists)
		if v.success() {
			m.chains[id] = &links{Owner: e.sender, Left: o.length}
			m.tick(e)
		}
	case "Tick":
		m.chains[id].Left--
		m.tick(e)
	default:
		m.hold(e, o, m.deposits[id])
	}
}

func (m *model) tick(e *entry) {
	e.see(m.chains[e.contract].Owner)
	if m.chains[e.contract].Left > 0 {
		m.ask(m.now, DepositKind, e.contract, "Tick")
	}
}

// until moves the end of a deposit.
func (m *model) until(id string, at domain.Millis, watched bool) {
	m.ask(at, DepositKind, id, "Expire")
	if watched {
		m.watches[id] = at
	}
}

// hold is what happens to an open deposit.
func (m *model) hold(e *entry, o request, d *deposit) {
	v := &e.verdict
	v.refuse(d == nil || d.final, domain.NotFound)
	if !v.success() {
		return
	}
	owners := e.name == "release" || e.name == "extend"
	v.refuse(owners && e.sender != d.owner, domain.NotPermitted)
	v.refuse(e.name == "extend" && o.at <= m.now, domain.InvalidTerms)
	if !v.success() {
		return
	}
	e.see(d.owner, d.to)
	switch e.name {
	case "release":
		m.endDeposit(e, d, "paid", d.to)
	case "extend":
		d.status = "extended"
		m.until(e.contract, o.at, d.watched)
	case "Expire":
		m.endDeposit(e, d, "returned", d.owner)
	case "Remind":
		d.status = "reminded"
	case domain.Equivocate:
		d.status, d.doubtful = "doubted", true
	case domain.Observe:
		d.status = "observed"
		if d.seen++; d.seen >= observationsToPay && !d.doubtful {
			m.endDeposit(e, d, "paid", d.to)
		}
	}
}

func (m *model) endDeposit(e *entry, d *deposit, status string, to domain.PartyID) {
	d.status, d.final = status, true
	m.pay(e, depositAccount(e.contract), partyAccount(to), d.amount)
	m.ask(0, DepositKind, e.contract, "Expire")
	m.ask(0, DepositKind, e.contract, "Remind")
	delete(m.watches, e.contract)
}
