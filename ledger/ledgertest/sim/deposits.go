package sim

import "aval/domain"

// deposit is deposit/1.
func (m *model) deposit(e *entry, o request) {
	v, id := &e.verdict, e.contract
	switch e.name {
	case "open":
		move := posting{partyAccount(e.sender), depositAccount(id), o.amount}
		m.afford(v, move)
		v.refuse(m.deposits[id] != nil, domain.AlreadyExists)
		v.refuse(m.parties[o.to] == nil, domain.NotFound)
		v.refuse(o.at <= m.now, domain.InvalidTerms)
		if v.success() {
			m.deposits[id] = &deposit{owner: e.sender, to: o.to, amount: o.amount, watched: o.watched, status: "opened"}
			m.pay(e, move)
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
		m.ofDeposit(e, o, m.deposits[id])
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

// ofDeposit is what happens to an open deposit.
func (m *model) ofDeposit(e *entry, o request, d *deposit) {
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
	m.pay(e, posting{depositAccount(e.contract), partyAccount(to), d.amount})
	m.ask(0, DepositKind, e.contract, "Expire")
	m.ask(0, DepositKind, e.contract, "Remind")
	delete(m.watches, e.contract)
}
