package invoice

import (
	"cmp"
	"slices"

	"aval/domain"
)

// statement is one business event of a message, with what it states.
type statement struct {
	head     *domain.Reading
	goods    []string
	readings []domain.Reading
}

// statements sorts the readings of events by their event, in the order of the message.
func statements(readings []domain.Reading) []*statement {
	var all []*statement
	byName := map[string]*statement{}
	for _, r := range readings {
		if r.Event == "" || r.Name == domain.QuantityCorrection {
			continue
		}
		s := byName[r.Event]
		if s == nil {
			s = &statement{}
			byName[r.Event] = s
			all = append(all, s)
		}
		switch r.Name {
		case domain.QuantityEvent:
			s.head = &r
		case domain.QuantityGoods:
			s.goods = append(s.goods, r.Text)
		default:
			s.readings = append(s.readings, r)
		}
	}
	return all
}

// about says whether an event names the goods of the shipment: its unit, or the container that carries it.
func (s Shipment) about(goods []string) bool {
	return slices.ContainsFunc(goods, func(code string) bool {
		return code != "" && (code == s.SSCC || code == s.Container)
	})
}

// events takes the events of a message that are about the goods. What is about other goods, obsolete
// or contradicts itself stands apart; it says how many events were contested.
func (got *intake) events(s Shipment, reg *register, now domain.Millis, o domain.Observation) (contestedEvents int64) {
	for _, st := range statements(o.Readings) {
		if st.head == nil || !s.about(st.goods) {
			got.apart++
			continue
		}
		key, verdict := reg.enter(*st.head)
		switch verdict {
		case contested:
			contestedEvents++
		case obsolete:
			got.apart++
		case stands:
			got.event(s, reg, now, o, st, key)
		}
	}
	for _, r := range o.Readings {
		switch r.Name {
		case domain.QuantityWithdrawal:
			reg.withdraw(r.Text, r.At)
		case domain.QuantityCorrection:
			reg.Expected = insert(reg.Expected, hash(r.Text))
		}
	}
	return contestedEvents
}

// event takes what one event states, as samples that refer to it.
func (got *intake) event(s Shipment, reg *register, now domain.Millis, o domain.Observation, st *statement, key []byte) {
	one := s.sort(now, o, st.readings)
	for _, r := range st.readings {
		if r.Name == domain.QuantitySeal && s.timely(now, o, r) {
			reg.see(sealSeen{At: r.At, Number: r.Text, State: r.State, By: r.By, Event: key})
		}
	}
	for _, each := range one.samples {
		each.message = string(key)
		got.samples = append(got.samples, each)
	}
	got.apart, got.suspect = got.apart+one.apart, got.suspect+one.suspect
	got.arrivedAt = sooner(got.arrivedAt, one.arrivedAt)
}

// see files an observation of a seal, each once, in order of time.
func (r *register) see(next sealSeen) {
	i, found := slices.BinarySearchFunc(r.Seals, next, compareSeals)
	if !found {
		r.Seals = slices.Insert(r.Seals, i, next)
	}
}

func compareSeals(a, b sealSeen) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Number, b.Number), cmp.Compare(a.State, b.State), cmp.Compare(a.By, b.By),
		slices.Compare(a.Event, b.Event))
}

// broken says whether the seals before an instant are others than those that the load left with. Customs
// may open a load and seal it again; a number that nobody stated is a presumption against the load.
func (s Shipment) broken(tracks []track, until domain.Millis) bool {
	var seen []sealSeen
	for _, t := range tracks {
		for _, each := range t.register.Seals {
			if each.At <= until && !t.register.dead(string(each.Event)) {
				seen = append(seen, each)
			}
		}
	}
	slices.SortStableFunc(seen, compareSeals)
	known, open := slices.Clone(s.Seals), 0
	for _, each := range seen {
		switch each.State {
		case domain.StateAffixed:
			if each.By != customs {
				return true
			}
			known, open = append(known, each.Number), 0
		case domain.StateRemoved:
			open++ // until customs seal it again
		default:
			if !slices.Contains(known, each.Number) {
				return true
			}
		}
	}
	return open > 0
}

// customs is DCSA's code for a seal that customs affixed.
const customs = "CUS"

// otherSeals says whether the buyer found a seal that neither the supplier nor customs put on.
func (s Shipment) otherSeals(tracks []track) bool {
	known := slices.Clone(s.Seals)
	for _, t := range tracks {
		for _, each := range t.register.Seals {
			if each.State == domain.StateAffixed && each.By == customs && !t.register.dead(string(each.Event)) {
				known = append(known, each.Number)
			}
		}
	}
	return slices.ContainsFunc(s.FoundSeals, func(number string) bool { return !slices.Contains(known, number) })
}
