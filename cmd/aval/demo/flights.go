package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"aval/contracts/flightdelay"
	"aval/domain"
	"aval/ledger"
	"aval/oracle/bts"
)

// The two products: the day's, one policy a flight, and the crowd's, 500 on one flight.
const (
	dayProduct   = "tagesschutz-1"
	crowdProduct = "gruppenschutz-1"
	// pollStep is how far the virtual clock moves at least: polls due within it are made together.
	pollStep = 5 * time.Minute
)

// day is a day of flights to insure, with the second opinion on what they must pay.
type day struct {
	date     string
	flights  []bts.Flight
	expected map[string]row // by leg without its date
	crowd    row
	unusable int
}

func policyID(i int) string { return "police-" + strconv.Itoa(i+1) }
func crowdID(i int) string  { return "gruppe-" + strconv.Itoa(i+1) }

// products are the terms of the demonstration: the reference product, polled from fifteen
// minutes after the scheduled arrival on. The insurer lists the schedules itself.
func products() flightdelay.Terms {
	t := flightdelay.ReferenceTerms(sourceID)
	t.Sale.MaxPerLeg, t.Sale.MaxTotal = 2*holders*payLate180, 1_000_000*payLate180
	t.Sale.MaxPerHolder, t.Sale.StatedSchedule = 2, false
	t.Polls = []flightdelay.Poll{
		{Anchor: "in", OffsetMinutes: 15, EveryMinutes: 15}, {Anchor: "in", OffsetMinutes: 360, EveryMinutes: 60},
		{Anchor: "in", OffsetMinutes: 1440, EveryMinutes: 360},
	}
	return t
}

// insure sells one policy on every flight of the day, and 500 more on the crowd's.
func (w *world) insure(ctx context.Context, d *day) error {
	t := products()
	legs := make([]flightdelay.Leg, len(d.flights))
	crowdLeg := -1
	for i, f := range d.flights {
		legs[i] = flightdelay.Leg{
			Carrier: f.Carrier, Number: f.Number, Origin: f.Origin, Destination: f.Destination, Date: f.Date,
			ScheduledOut: f.ScheduledOut, ScheduledIn: f.ScheduledIn,
		}
		if flightOf(f) == d.crowd.flight {
			crowdLeg = i
		}
	}
	if crowdLeg < 0 {
		return errors.New("the crowd's flight is not among the flights of the day")
	}
	w.say("3. flights of %s: %d flights, a policy on each, and %d policies on %s", d.date, len(legs), holders, d.crowd.flight)
	if err := w.offer(ctx, dayProduct, t, legs, int64(len(legs))*payLate180); err != nil {
		return err
	}
	if err := w.offer(ctx, crowdProduct, t, legs[crowdLeg:crowdLeg+1], holders*payLate180); err != nil {
		return err
	}
	premium := domain.Money{Minor: t.Payouts.Premium, Currency: "USD"}
	purse := domain.Money{Minor: premium.Minor * int64(len(legs)/holders+2), Currency: "USD"}
	if err := parallel(ctx, holders, func(ctx context.Context, i int) error { return w.issue(ctx, holderID(i), purse) }); err != nil {
		return err
	}
	err := parallel(ctx, len(legs), func(ctx context.Context, i int) error {
		return w.parties[holderID(i%holders)].send(ctx, flightdelay.Kind, policyID(i), "bind", flightdelay.Bind{Product: dayProduct, Leg: legs[i], Premium: premium})
	})
	if err != nil {
		return err
	}
	w.say("   %d policies bound, each with its payout locked", len(legs))
	return parallel(ctx, holders, func(ctx context.Context, i int) error {
		return w.parties[holderID(i)].send(ctx, flightdelay.Kind, crowdID(i), "bind", flightdelay.Bind{Product: crowdProduct, Leg: legs[crowdLeg], Premium: premium})
	})
}

// offer makes a product, puts its whole possible payout aside, and lists its legs.
func (w *world) offer(ctx context.Context, id string, t flightdelay.Terms, legs []flightdelay.Leg, reserve int64) error {
	p, amount := w.parties[insurer], domain.Money{Minor: reserve, Currency: "USD"}
	if err := w.issue(ctx, insurer, amount); err != nil {
		return err
	}
	if err := p.send(ctx, flightdelay.Kind, id, "offer", flightdelay.Offer{Terms: t}); err != nil {
		return err
	}
	if err := p.send(ctx, flightdelay.Kind, id, "reserve", flightdelay.Amount{Amount: amount}); err != nil {
		return err
	}
	const most = flightdelay.MaxList
	return parallel(ctx, (len(legs)+most-1)/most, func(ctx context.Context, i int) error {
		part := legs[i*most : min((i+1)*most, len(legs))]
		return p.send(ctx, flightdelay.Kind, id, "list", flightdelay.List{Legs: part})
	})
}

func flightOf(f bts.Flight) string {
	return f.Carrier + "-" + f.Number + "-" + f.Origin + "-" + f.Destination
}

// settle lets the virtual clock run: the oracle polls the flight server over HTTP whenever a
// watch asks for it, and the contract settles, until no watch is open.
func (w *world) settle(ctx context.Context, s *Summary) error {
	oracle := w.node.Oracle
	began, shown := w.clock.Now(), time.Now()
	for {
		oracle.Refresh()
		next, open := oracle.Next()
		if !open {
			break
		}
		if due := w.node.Engine.NextDue(); due != 0 && time.UnixMilli(int64(due)).Before(next) {
			next = time.UnixMilli(int64(due))
		}
		if err := w.advance(ctx, next.Add(pollStep-1).Truncate(pollStep)); err != nil {
			return err
		}
		if _, err := oracle.Poll(ctx, w.clock.Now()); err != nil {
			return err
		}
		if time.Since(shown) > 2*time.Second {
			shown = time.Now()
			w.say("   %s: %d flights still open", w.clock.Now().UTC().Format("2 Jan 15:04"), len(w.node.Engine.Watches()))
		}
	}
	s.Flights.Polls = int(oracle.Stats().Polls)
	w.say("   all settled after %v of virtual time and %d polls", w.clock.Now().Sub(began).Round(time.Hour), s.Flights.Polls)
	return nil
}

// settlement is the body of a PolicySettled event, as far as the demonstration counts it.
type settlement struct {
	Outcome string             `json:"outcome"`
	Phase   domain.FlightPhase `json:"phase"`
	Tier    int64              `json:"tier"`
	Amount  domain.Money       `json:"amount"`
}

// count walks the insurer's own event stream, adds up every settlement, and lets each holder
// verify its receipt.
func (w *world) count(ctx context.Context, d *day, s *Summary) error {
	f := &s.Flights
	f.Date, f.Unusable = d.date, d.unusable
	f.CoverResult, f.Crowd.CoverResult = CoverResult{ByTier: map[string]int{}}, CoverResult{ByTier: map[string]int{}}
	f.ExpectedByTier = map[string]int{}
	for _, flight := range d.flights {
		if r := d.expected[flightOf(flight)]; r.pays > 0 {
			f.ExpectedPaidMinor += r.pays
			f.ExpectedByTier[r.tier]++
		}
	}
	f.Crowd.Flight, f.Crowd.ExpectedPaidMinor = d.crowd.flight, holders*d.crowd.pays
	f.Policies, f.Crowd.Policies = len(d.flights), holders
	var settled []settledPolicy
	err := w.follow(ctx, w.parties[insurer], func(e ledger.EntryView) error {
		for _, event := range e.Events {
			if event.Name != "PolicySettled" {
				continue
			}
			p, err := readSettled(e.Index, event)
			if err != nil {
				return err
			}
			if p.crowd {
				f.Crowd.add(p.settlement)
			} else {
				f.add(p.settlement)
			}
			settled = append(settled, p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return parallel(ctx, len(settled), func(ctx context.Context, i int) error {
		return w.parties[holderID(settled[i].number%holders)].receipt(ctx, settled[i].index)
	})
}

// settledPolicy is one settlement and where it stands in the log.
type settledPolicy struct {
	settlement
	index  uint64
	number int
	crowd  bool
}

func readSettled(index uint64, event ledger.EventView) (settledPolicy, error) {
	p := settledPolicy{index: index}
	_, key, err := event.Record.Split()
	if err != nil {
		return p, err
	}
	if _, err := fmt.Sscanf(key, "policy/police-%d", &p.number); err != nil {
		if _, err := fmt.Sscanf(key, "policy/gruppe-%d", &p.number); err != nil {
			return p, fmt.Errorf("settled policy %s is none of the demonstration's", key)
		}
		p.crowd = true
	}
	p.number--
	return p, json.Unmarshal(event.Body, &p.settlement)
}

// add counts one settlement.
func (c *CoverResult) add(s settlement) {
	switch s.Outcome {
	case "paid":
		c.Paid++
		c.PaidMinor += s.Amount.Minor
		tier := strconv.FormatInt(s.Tier, 10)
		if s.Phase != domain.FlightLanded {
			tier = string(s.Phase)
		}
		c.ByTier[tier]++
	case "notDue":
		c.NotDue++
	case "void":
		c.Void++
	}
}
