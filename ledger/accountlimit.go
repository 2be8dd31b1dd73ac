package ledger

import (
	"strings"

	"aval/domain"
)

// maxPrunedCounters bounds the counters of past days that one booking drops.
const maxPrunedCounters = 1000

// checkLimits refuses what the limit of a party's account does not allow, and gives the
// counters of the day as they will be. Accounts without a daily limit are not counted.
func (r *run) checkLimits(m *movement) ([]*slot, error) {
	var counters []*slot
	if len(r.state.limits) == 0 {
		return nil, nil
	}
	for _, b := range m.all {
		limit, limited := r.state.limits[b.holding]
		if !limited {
			continue
		}
		counter := r.counter(b.holding)
		if err := limit.Check(domain.Flow{Before: b.before, After: b.minor, Paid: b.paid, Out: b.out, Spent: counter.Minor}); err != nil {
			return nil, err
		}
		counter.Minor += b.out // within the daily limit, so within MaxMinor
		if limit.Narrowest().DailyOutflow != 0 && b.out > 0 {
			counters = append(counters, counter)
		}
	}
	return counters, nil
}

// counter is what was taken from an account on the day of the batch.
func (r *run) counter(h holding) *slot {
	day := string(domain.Day(r.batch.Now))
	counter := &slot{Type: outflowSlot, Key: day + "/" + string(h.account), Name: string(h.currency)}
	if s, ok := r.state.slots.Get(counter.name()); ok {
		counter.Minor = s.Minor
	}
	return counter
}

// count stores a counter and drops those of earlier days, which nobody asks for any more. It
// happens with a booking only, so that a batch without entries leaves no trace.
func (r *run) count(counter *slot) {
	r.state.put(counter)
	day, _, _ := strings.Cut(counter.Key, "/")
	var past []string
	r.state.scan(string(outflowSlot)+" ", "", func(s *slot) bool {
		if s.Key < day && len(past) < maxPrunedCounters {
			past = append(past, s.name())
			return true
		}
		return false
	})
	for _, name := range past {
		r.state.drop(name)
	}
}

// limitOf decodes a limit, and what it is of, when its record enters or leaves the state.
func limitOf(s *slot) (h holding, limit domain.Limit, ok bool) {
	if s.Type != recordSlot || s.Kind != domain.CashKind || !strings.HasPrefix(s.Key, "limit/") {
		return h, limit, false
	}
	limit, ok = decoded[domain.Limit](s.Body).(domain.Limit)
	return holding{domain.PartyAccount(limit.Party), limit.Currency}, limit, ok
}

// hold keeps the sum of what is held for a party, when the escrow of one of its records moves.
func (r *run) hold(kind domain.Kind, m moved) {
	key, escrow := strings.CutPrefix(string(m.account), string(domain.EscrowAccount(kind, "")))
	if !escrow {
		return
	}
	name := recordName(kind, key)
	s, open := r.state.slots.Get(name)
	if !open {
		s = r.state.closed[name]
	}
	if s != nil && s.HeldFor != "" {
		r.state.addHeld(s.HeldFor, m.currency, m.minor-m.before)
	}
}

func heldName(party domain.PartyID, currency domain.Currency) string {
	return string(party) + " " + string(currency)
}

// addHeld moves the sum of what is held for a party.
func (st *State) addHeld(party domain.PartyID, currency domain.Currency, minor int64) {
	name := heldName(party, currency)
	sum, _ := st.held.Get(name)
	if sum += minor; sum == 0 {
		st.held.Delete(name)
		return
	}
	st.held.Set(name, sum)
}

// heldFor is what escrows hold for a party, in minor units.
func (st *State) heldFor(party domain.PartyID, currency domain.Currency) int64 {
	sum, _ := st.held.Get(heldName(party, currency))
	return sum
}

// sumHeld adds up anew what is held, when a ledger is opened.
func (st *State) sumHeld() {
	st.scan(string(recordSlot)+" ", "", func(record *slot) bool {
		if record.HeldFor != "" {
			st.scan(string(balanceSlot)+"  "+string(domain.EscrowAccount(record.Kind, record.Key))+" ", "", func(s *slot) bool {
				st.addHeld(record.HeldFor, domain.Currency(s.Name), s.Minor)
				return true
			})
		}
		return true
	})
}
