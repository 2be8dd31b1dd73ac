package sim

import (
	"fmt"

	"aval/domain"
	"aval/domain/envelope"
)

// wish fills in a submission and gives who sends it and the body.
type wish func(c *clients, ch chance, s *submission) (holder string, body any)

// wishes are what clients want, with how often they want it.
var wishes = []struct {
	weight int
	wish   wish
}{
	{12, issue}, {30, transfer}, {4, bulk}, {8, redeem}, {10, answer}, {12, openDepositWish}, {4, release}, {4, extend},
	{6, hold}, {5, endHold}, {5, reverse}, {3, limit},
	{2, chainWish}, {2, registerParty}, {2, setRoles}, {3, registerKey}, {1, revokeKey}, {1, registerSource}, {2, hopeless},
	{2, erase}, {2, visit},
}

// observations are this many of a hundred submissions.
const observations = 14

// make signs something new.
func (c *clients) make(ch chance) (*submission, error) {
	s := &submission{ledger: Origin, id: c.newID(c.s.clock), notAfter: c.s.clock + domain.Millis(ch.between(1000, 3_600_000))}
	if ch.percent(observations) && len(c.open(ch)) > 0 {
		return c.makeObservation(ch, s)
	}
	holder, body := c.wish(ch)(c, ch, s)
	if !c.s.happens(Mischief, 120) {
		return c.sign(ch, s, c.signer(ch, holder), body)
	}
	return c.spoil(ch, s, holder, body)
}

func (c *clients) wish(ch chance) wish {
	total := 0
	for _, w := range wishes {
		total += w.weight
	}
	at := ch.IntN(total)
	for _, w := range wishes {
		if at -= w.weight; at < 0 {
			return w.wish
		}
	}
	return transfer
}

// spoil signs something that is wrong in one way.
func (c *clients) spoil(ch chance, s *submission, holder string, body any) (*submission, error) {
	switch ch.IntN(8) {
	case 0:
		s.ledger = "elsewhere.test/other"
	case 1:
		s.kind = "ghost/1"
	case 2:
		s.name = pick(ch, []string{"Return", "Expire", "Genesis", "Equivocate", domain.Observe})
	case 3:
		s.notAfter = c.s.clock - domain.Millis(ch.between(1, 1000))
	case 4:
		s.notAfter = c.s.clock + domain.MaxCommandLifetime + domain.Millis(ch.between(3_600_000, 7_200_000))
	case 5:
		if len(c.all) > 0 {
			if old := pick(ch, c.all); old.id != "" && old.format == envelope.CommandType {
				s.id, holder = old.id, old.holder
			}
		}
	case 6:
		s.forged = true
	default:
		good, err := c.sign(ch, s, c.signer(ch, holder), body)
		if err != nil {
			return nil, err
		}
		return c.breakBytes(ch, good), nil
	}
	return c.sign(ch, s, c.signer(ch, holder), body)
}

// open gives the deposits whose watch is open.
func (c *clients) open(ch chance) []string {
	var all []string
	for _, s := range c.all[max(0, len(c.all)-200):] {
		if _, open := c.s.model.watches[s.contract]; open && s.name == "open" && s.kind == DepositKind {
			all = append(all, s.contract)
		}
	}
	return all
}

// makeObservation signs an observation; now and then a second one under the same identity.
func (c *clients) makeObservation(ch chance, s *submission) (*submission, error) {
	source := pick(ch, sources)
	signer := c.signer(ch, source)
	s.id, s.kind, s.contract = "", DepositKind, pick(ch, c.open(ch))
	if ch.percent(5) {
		s.contract = "nobody-waits"
	}
	s.epoch, s.sequence = 1, c.next[signer.Key.ID]
	if again := c.s.happens(Repeats, 150); s.sequence == 0 || !again {
		s.sequence++ // else the same sequence again, with other content
		c.next[signer.Key.ID] = s.sequence
	}
	s.forged = c.s.happens(Mischief, 30)
	return c.observe(ch, s, signer, fmt.Sprint(c.texts))
}

func issue(c *clients, ch chance, s *submission) (string, any) {
	bank := pick(ch, banks)
	s.kind, s.contract, s.name = domain.CashKind, string(bank), "issue"
	currency := domain.Currency("EUR")
	if bank == banks[1] {
		currency = "USD"
	}
	if ch.percent(5) {
		currency = "USD"
	}
	s.wants = request{to: pick(ch, people), amount: domain.Money{Minor: ch.between(1, 100_000), Currency: currency}}
	if ch.percent(3) {
		s.wants.amount.Minor = pick(ch, []int64{0, -5, domain.MaxMinor + 1})
	}
	if ch.percent(3) {
		return string(pick(ch, traders)), payment(s.wants)
	}
	return string(bank), payment(s.wants)
}

func payment(o request) any {
	return map[string]any{"to": o.to, "amount": o.amount, "reference": "r"}
}

// purse picks a party and what it can pay: sometimes all it has, sometimes more.
func (c *clients) purse(ch chance) (domain.PartyID, domain.Money, string) {
	p, currency, bank := pick(ch, people), domain.Currency("EUR"), string(banks[0])
	if ch.percent(30) {
		currency, bank = "USD", string(banks[1])
	}
	has := c.s.model.balances[money{partyAccount(p), currency}]
	for n := 0; has == 0 && n < 4; n++ {
		p = pick(ch, people)
		has = c.s.model.balances[money{partyAccount(p), currency}]
	}
	amount := ch.between(1, max(1, has/2))
	switch {
	case ch.percent(5):
		amount = has
	case ch.percent(8):
		amount = has + ch.between(1, 50)
	}
	return p, domain.Money{Minor: amount, Currency: currency}, bank
}

func transfer(c *clients, ch chance, s *submission) (string, any) {
	p, amount, bank := c.purse(ch)
	s.kind, s.contract, s.name = domain.CashKind, bank, "transfer"
	s.wants = request{to: pick(ch, people), amount: amount}
	if s.wants.to == p && !ch.percent(20) {
		s.wants.to = root
	}
	if ch.percent(3) {
		s.contract = string(pick(ch, people))
	}
	if ch.percent(3) {
		s.wants.to = "stranger"
	}
	return string(p), payment(s.wants)
}

// bulk pays several parties at once, or issues to them.
func bulk(c *clients, ch chance, s *submission) (string, any) {
	p, amount, bank := c.purse(ch)
	s.kind, s.contract, s.name = domain.CashKind, bank, "bulkTransfer"
	if ch.percent(30) {
		p, s.name = domain.PartyID(bank), "bulkIssue"
	}
	items := []any{}
	for n := ch.IntN(6); n >= 0; n-- {
		part := request{to: pick(ch, people), amount: amount}
		part.amount.Minor = max(1, amount.Minor/ch.between(2, 8))
		s.wants.items, items = append(s.wants.items, part), append(items, payment(part))
	}
	if ch.percent(3) {
		s.wants.items, items = nil, []any{}
	}
	return string(p), map[string]any{"items": items}
}

func redeem(c *clients, ch chance, s *submission) (string, any) {
	p, amount, bank := c.purse(ch)
	s.kind, s.contract, s.name = domain.CashKind, bank, "redeem"
	s.wants = request{amount: amount, id: c.name(ch, "R")}
	return string(p), map[string]any{"id": s.wants.id, "amount": amount, "reference": "r"}
}

// name gives a new name, and now and then one that was used.
func (c *clients) name(ch chance, prefix string) string {
	n := c.texts
	if ch.percent(5) {
		n = ch.IntN(n + 1)
	}
	return fmt.Sprintf("%s-%d", prefix, n)
}

// some gives a recent deposit or redemption with who answers for it, nearly always an open one
// if there is any.
func (c *clients) some(ch chance, kind domain.Kind, name string) (string, domain.PartyID) {
	id, who := "none", people[0]
	for range 60 {
		s := pick(ch, c.all[max(0, len(c.all)-300):])
		if s.kind != kind || s.name != name || s.format != envelope.CommandType {
			continue
		}
		id, who = s.contract, domain.PartyID(s.holder)
		open := c.s.model.deposits[id] != nil && !c.s.model.deposits[id].final
		if name == "redeem" {
			id, who = s.wants.id, domain.PartyID(s.contract)
			open = c.s.model.redemptions[id] != nil && !c.s.model.redemptions[id].final
		}
		if open || ch.percent(2) {
			break
		}
	}
	return id, who
}

// answer is a bank's word on a redemption.
func answer(c *clients, ch chance, s *submission) (string, any) {
	id, bank := c.some(ch, domain.CashKind, "redeem")
	s.kind, s.contract, s.name = domain.CashKind, id, pick(ch, []string{"accept", "accept", "settle", "settle", "refuse"})
	if ch.percent(8) {
		bank = pick(ch, people)
	}
	switch s.name {
	case "settle":
		return string(bank), map[string]any{"reference": "wire"}
	case "refuse":
		return string(bank), map[string]any{"reason": "no"}
	}
	return string(bank), map[string]any{}
}

func openDepositWish(c *clients, ch chance, s *submission) (string, any) {
	p, amount, _ := c.purse(ch)
	at := c.s.clock + domain.Millis(ch.between(1, pick(ch, []int64{30, 2_000, 60_000, 3_000_000})))
	s.kind, s.contract, s.name = DepositKind, c.name(ch, "D"), "open"
	s.wants = request{to: pick(ch, people), amount: amount, at: at, watched: ch.percent(70)}
	return string(p), depositBody{To: s.wants.to, Amount: amount, At: at, Watched: s.wants.watched}
}

func release(c *clients, ch chance, s *submission) (string, any) {
	id, owner := c.some(ch, DepositKind, "open")
	s.kind, s.contract, s.name = DepositKind, id, "release"
	if ch.percent(10) {
		owner = pick(ch, people)
	}
	return string(owner), depositBody{}
}

func extend(c *clients, ch chance, s *submission) (string, any) {
	id, owner := c.some(ch, DepositKind, "open")
	s.kind, s.contract, s.name = DepositKind, id, "extend"
	s.wants.at = c.s.clock + domain.Millis(ch.between(-5, 500_000))
	return string(owner), depositBody{At: s.wants.at}
}

func chainWish(c *clients, ch chance, s *submission) (string, any) {
	s.kind, s.contract, s.name = DepositKind, c.name(ch, "C"), "chain"
	s.wants.length = ch.between(1, 6)
	return string(pick(ch, people)), depositBody{Length: s.wants.length}
}

// hopeless sends to the other kinds what they refuse, whatever their state is.
func hopeless(c *clients, ch chance, s *submission) (string, any) {
	s.kind = pick(ch, []domain.Kind{"invoice/1", "flightdelay/1", domain.CashKind, domain.GovernanceKind, DepositKind})
	s.contract, s.name = fmt.Sprintf("X-%d", c.texts), pick(ch, []string{"frobnicate", "open", "bind", "issue", "register"})
	s.wants.hopeless = true
	return string(pick(ch, people)), map[string]any{"nonsense": c.texts}
}
