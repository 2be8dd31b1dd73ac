package flightserver

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"aval/domain"
	"aval/oracle/bts"
)

func (s *Server) index(flights []bts.Flight) {
	s.records = make([]record, 0, len(flights))
	for _, f := range flights {
		s.records = append(s.records, newRecord(f))
	}
	slices.SortStableFunc(s.records, func(a, b record) int { return cmp.Compare(b.ScheduledOut, a.ScheduledOut) })
	s.byDesignator, s.byTail, s.byFlightAware = map[string][]int32{}, map[string][]int32{}, map[string][]int32{}
	for i, f := range s.records {
		s.byDesignator[f.ident] = append(s.byDesignator[f.ident], int32(i))
		s.byFlightAware[f.flightAware] = append(s.byFlightAware[f.flightAware], int32(i))
		if f.Tail != "" {
			s.byTail[f.Tail] = append(s.byTail[f.Tail], int32(i))
		}
	}
}

func newRecord(f bts.Flight) record {
	r := record{
		Flight: f, ident: f.Carrier + f.Number,
		flightAware:  fmt.Sprintf("%s%s-%d-recorded-%d", f.Carrier, f.Number, f.ScheduledOut/1000, f.Row),
		routeMinutes: int((f.ScheduledIn - f.ScheduledOut) / 60_000),
	}
	if f.Cancelled {
		r.cancelledAt = f.ScheduledOut - millis(CancelNotice)
		if f.ActualOut != 0 {
			r.cancelledAt = f.ActualOut + millis(ReturnAfter)
		}
	}
	if f.Diverted {
		r.divertedAt = f.ScheduledIn
		if f.ActualOut != 0 {
			r.divertedAt = max(f.ScheduledIn, f.ActualOut+f.ScheduledIn-f.ScheduledOut)
		}
	}
	return r
}

func millis(d time.Duration) domain.Millis { return domain.Millis(d.Milliseconds()) }

// window is the part of a list whose scheduled departure lies from start to before end; the
// list is in falling order.
func (s *Server) window(list []int32, start, end domain.Millis) []int32 {
	search := func(limit domain.Millis) int {
		i, _ := slices.BinarySearchFunc(list, limit, func(position int32, limit domain.Millis) int {
			if s.records[position].ScheduledOut >= limit {
				return -1
			}
			return 1
		})
		return i
	}
	return list[search(end):max(search(start), search(end))]
}
