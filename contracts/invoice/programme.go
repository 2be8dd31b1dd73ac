package invoice

import (
	"slices"

	"aval/contracts/invoice/interest"
	"aval/domain"
)

// MaxParticipants bounds the buyers, and the suppliers, of one programme.
const MaxParticipants = 64

// Programme is the record programme/<id>: how much a financier puts up, for whom, and, for
// reverse factoring, at which standing price every supplier of it may draw.
type Programme struct {
	ID        string          `json:"id"`
	Financier domain.PartyID  `json:"financier"`
	Currency  domain.Currency `json:"currency"`
	// Limit bounds what is financed at one time, Used is that, in minor units of the advance.
	Limit int64 `json:"limit"`
	Used  int64 `json:"used"`
	// Buyers and Suppliers are those that take part, each with a limit of its own.
	Buyers    []Line `json:"buyers"`
	Suppliers []Line `json:"suppliers"`
	// Standing is the price of reverse factoring; nil if every deal is priced by an offer.
	Standing *Price `json:"standing,omitempty"`
	Status   string `json:"status"`
}

// Line is one party's part of a programme.
type Line struct {
	Party domain.PartyID `json:"party"`
	Limit int64          `json:"limit"`
	Used  int64          `json:"used"`
}

// Price is what financing costs, in rates, so that it can be named without knowing the amount.
type Price struct {
	// AdvancePercent of what is due is paid out; the rest is the holdback.
	AdvancePercent string `json:"advancePercent"`
	// Percent is the yearly rate on the advance, by Basis; Flat a fee in minor units.
	Percent string         `json:"percent"`
	Basis   interest.Basis `json:"basis"`
	Flat    int64          `json:"flat,omitempty"`
	// Notify says that the buyer is told at once to pay the financier.
	Notify bool `json:"notify,omitempty"`
	// OverdueDays after the due day the financier may take recourse; 0 for never: then the
	// buyer's default is the financier's loss. Dilution and a second financing are always the supplier's.
	OverdueDays int64 `json:"overdueDays,omitempty"`
	// RepayMillis is how long the supplier has to pay back after recourse was taken.
	RepayMillis domain.Millis `json:"repayMillis"`
}

// Putting is the body of programme.
type Putting struct {
	Currency  domain.Currency `json:"currency"`
	Limit     int64           `json:"limit"`
	Buyers    []Line          `json:"buyers"`
	Suppliers []Line          `json:"suppliers"`
	Standing  *Price          `json:"standing,omitempty"`
}

func (p Price) check() error {
	rate, err := interest.Percent("advancePercent", p.AdvancePercent)
	if err != nil {
		return err
	}
	if !rate.IsPositive() || rate.GreaterThan(count(100)) {
		return invalid("advancePercent: want more than 0, at most 100")
	}
	if rate, err = interest.Percent("percent", p.Percent); err != nil {
		return err
	}
	if rate.IsNegative() {
		return invalid("percent: want 0 or more")
	}
	if p.Flat < 0 || p.Flat > domain.MaxMinor || p.OverdueDays < 0 || p.OverdueDays > MaxDefaultDays {
		return invalid("flat, overdueDays: want 0 or more, at most %d days", MaxDefaultDays)
	}
	if p.RepayMillis < Day || p.RepayMillis > MaxWindow {
		return invalid("repayMillis: want 1 to %d days", MaxWindow/Day)
	}
	return p.Basis.Check("basis")
}

func programmeKey(id string) string { return "programme/" + id }

// programme opens or changes one. What is in use stays so: a lower limit stops new deals only.
func (d *draft) programme() error {
	var body Putting
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	if !d.in.Has(domain.RoleFinancier) {
		return domain.Refuse(domain.NotPermitted, "only a financier has programmes")
	}
	if err := body.check(d.in.Registry); err != nil {
		return err
	}
	key := programmeKey(d.in.Command.Contract)
	p, found, err := d.programmes.fetch(d.view, key)
	if err != nil {
		return err
	}
	if found && (p.Financier != d.in.Sender || p.Currency != body.Currency) {
		return domain.Refuse(domain.AlreadyExists, "programme %s: the ID is taken", d.in.Command.Contract)
	}
	if !found {
		p = d.programmes.add(key, Programme{ID: d.in.Command.Contract, Financier: d.in.Sender, Currency: body.Currency, Status: "open"})
	}
	if err := keepUsed(p.Buyers, body.Buyers); err != nil {
		return err
	}
	if err := keepUsed(p.Suppliers, body.Suppliers); err != nil {
		return err
	}
	p.Limit, p.Buyers, p.Suppliers, p.Standing = body.Limit, body.Buyers, body.Suppliers, body.Standing
	d.programmes.touch(p)
	d.event("ProgrammeSet", key, *p, p.Financier)
	return nil
}

func (b Putting) check(registry domain.Registry) error {
	if err := (domain.Money{Minor: b.Limit, Currency: b.Currency}).CheckPositive("limit"); err != nil {
		return err
	}
	for _, lines := range [][]Line{b.Buyers, b.Suppliers} {
		if len(lines) == 0 || len(lines) > MaxParticipants {
			return invalid("buyers, suppliers: %d, want 1 to %d", len(lines), MaxParticipants)
		}
		for i, line := range lines {
			same := func(l Line) bool { return l.Party == line.Party }
			_, known := registry.Party(line.Party)
			if !known || slices.ContainsFunc(lines[:i], same) || line.Limit < 1 || line.Limit > domain.MaxMinor || line.Used != 0 {
				return invalid("buyers, suppliers: number %d is not registered, stands twice, has no limit, or states its use", i+1)
			}
		}
	}
	if b.Standing == nil {
		return nil
	}
	return b.Standing.check()
}

// keepUsed carries over what parties use; who uses something cannot be dropped.
func keepUsed(before, after []Line) error {
	for _, old := range before {
		i := slices.IndexFunc(after, func(l Line) bool { return l.Party == old.Party })
		if i < 0 && old.Used > 0 {
			return domain.Refuse(domain.WrongState, "%s still has financings under the programme", old.Party)
		}
		if i >= 0 {
			after[i].Used = old.Used
		}
	}
	return nil
}

// save shows a programme with a standing price to its suppliers, each without the others.
func (p Programme) save(d *draft) {
	parties := []domain.PartyID{p.Financier}
	if p.Standing != nil {
		for _, line := range p.Suppliers {
			parties = append(parties, line.Party)
		}
	}
	put(d, programmeKey(p.ID), p, p.Status, false, parties...)
}

// use takes an amount of the limits of programme, buyer and supplier, or gives it back if it is negative.
func (p *Programme) use(buyer, supplier domain.PartyID, minor int64) error {
	uses := []*int64{&p.Used}
	room := p.Limit - p.Used
	for _, side := range []struct {
		lines []Line
		party domain.PartyID
	}{{p.Buyers, buyer}, {p.Suppliers, supplier}} {
		i := slices.IndexFunc(side.lines, func(l Line) bool { return l.Party == side.party })
		if i < 0 {
			if minor < 0 { // dropped since, with nothing in use
				continue
			}
			return domain.Refuse(domain.NotPermitted, "the programme is not for this buyer and supplier")
		}
		room = min(room, side.lines[i].Limit-side.lines[i].Used)
		uses = append(uses, &side.lines[i].Used)
	}
	if minor > room && minor > 0 {
		return domain.Refuse(domain.CapacityExceeded, "a limit of the programme is reached")
	}
	for _, used := range uses {
		*used += minor
	}
	return nil
}
