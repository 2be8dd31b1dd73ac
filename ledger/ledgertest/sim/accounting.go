package sim

import "aval/domain"

func hold(c *clients, ch chance, s *submission) (string, any) {
	p, amount, bank := c.purse(ch)
	s.kind, s.contract, s.name = domain.CashKind, bank, "hold"
	s.wants = request{to: pick(ch, people), amount: amount, id: c.name(ch, "H")}
	s.wants.at = c.s.clock + domain.Millis(ch.between(1, pick(ch, []int64{2_000, 600_000, 3 * int64(day), 367 * int64(day)})))
	return string(p), map[string]any{"id": s.wants.id, "to": s.wants.to, "amount": amount, "expiresAt": s.wants.at, "reference": "r"}
}

// endHold captures or releases a hold, mostly an open one.
func endHold(c *clients, ch chance, s *submission) (string, any) {
	s.kind, s.contract, s.name = domain.CashKind, "none", pick(ch, []string{"capture", "capture", "release"})
	s.wants.amount = domain.Money{Minor: ch.between(1, 100), Currency: "EUR"}
	who := pick(ch, people)
	for range 60 {
		old := pick(ch, c.all[max(0, len(c.all)-300):])
		h := c.s.model.holds[old.wants.id]
		if old.name != "hold" || h == nil || h.final && !ch.percent(3) {
			continue
		}
		s.contract, s.wants.amount, who = old.wants.id, h.left, h.payee
		if ch.percent(15) {
			who = h.payer
		}
		break
	}
	if s.name == "release" {
		return string(who), map[string]any{}
	}
	switch {
	case ch.percent(5):
		s.wants.amount.Minor++
	case ch.percent(50):
		s.wants.amount.Minor = ch.between(1, max(1, s.wants.amount.Minor))
	}
	s.wants.final = ch.percent(30)
	return string(who), map[string]any{"amount": s.wants.amount, "final": s.wants.final}
}

// reverse gives back what some posting of the log paid.
func reverse(c *clients, ch chance, s *submission) (string, any) {
	who := pick(ch, people)
	s.kind, s.contract, s.name = domain.CashKind, string(pick(ch, banks)), "reverse"
	s.wants = request{amount: domain.Money{Minor: ch.between(1, 100), Currency: "EUR"}, length: int64(ch.IntN(len(c.s.model.log) + 3))}
	for range 30 {
		at := ch.IntN(len(c.s.model.log))
		e := c.s.model.log[at]
		if e == nil || len(e.postings) == 0 {
			continue
		}
		s.wants.length, s.wants.number = int64(at), ch.IntN(len(e.postings))
		p := e.postings[s.wants.number]
		s.wants.amount, s.contract = p.amount, c.s.model.issued(p.amount.Currency)
		if !isEscrow(p.to) && !isEscrow(p.from) {
			who = domain.PartyID(p.to[len("party/"):])
			break
		}
	}
	switch {
	case ch.percent(5):
		s.wants.amount.Minor++
	case ch.percent(60):
		s.wants.amount.Minor = ch.between(1, s.wants.amount.Minor)
	case ch.percent(5):
		s.wants.number++
	}
	if ch.percent(5) {
		who = pick(ch, people)
	}
	return string(who), map[string]any{
		"index": s.wants.length, "number": s.wants.number, "amount": s.wants.amount, "reference": "r",
	}
}

// limit bounds an account, half the time by lifting every bound.
func limit(c *clients, ch chance, s *submission) (string, any) {
	p, amount, bank := c.purse(ch)
	s.kind, s.contract, s.name = domain.CashKind, bank, "limit"
	has := max(1, c.s.model.balances[money{partyAccount(p), amount.Currency}])
	s.wants = request{to: p, amount: amount}
	if ch.percent(50) {
		s.wants.bounds = [3]int64{has * ch.between(1, 3), has / ch.between(2, 20), has / ch.between(1, 3)}
		s.wants.bounds[ch.IntN(3)] = pick(ch, []int64{0, 0, 0, 0, -1, has * 4})
	}
	body := map[string]any{"party": p, "currency": amount.Currency, "bounds": map[string]any{
		"maximumBalance": s.wants.bounds[most], "minimumBalance": s.wants.bounds[least], "dailyOutflow": s.wants.bounds[daily],
	}}
	switch {
	case ch.percent(40):
		return bank, body
	case ch.percent(10):
		return string(pick(ch, people)), body
	}
	return string(p), body
}
