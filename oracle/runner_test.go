package oracle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"aval/domain"
	"aval/ledger"
	"aval/oracle"
)

func TestWhatGoesOnRecord(t *testing.T) {
	for name, c := range map[string]struct {
		script []answer
		polls  int
		want   string
	}{
		"pending never":                         {[]answer{pending()}, 5, "[]"},
		"landed once":                           {[]answer{pending(), landed(1), landed(1)}, 6, "[landed]"},
		"corrected arrival":                     {[]answer{landed(1), landed(2), landed(2)}, 6, "[landed landed]"},
		"unknown once":                          {[]answer{unknown("no-match")}, 5, "[no-match]"},
		"unknown for another reason":            {[]answer{unknown("no-match"), unknown("ambiguous"), unknown("ambiguous")}, 5, "[no-match ambiguous]"},
		"unknown, pending, unknown":             {[]answer{unknown("no-match"), pending(), unknown("no-match")}, 5, "[no-match]"},
		"unknown, then landed":                  {[]answer{unknown("no-match"), landed(1)}, 5, "[no-match landed]"},
		"cancelled is said again":               {[]answer{cancelled()}, 4, "[cancelled cancelled cancelled cancelled]"},
		"diverted is said again":                {[]answer{diverted()}, 3, "[diverted diverted diverted]"},
		"reinstated":                            {[]answer{cancelled(), pending(), pending(), landed(1)}, 5, "[cancelled contradictory landed]"},
		"landed, taken back":                    {[]answer{landed(1), pending(), pending()}, 4, "[landed contradictory]"},
		"cancelled, then landed":                {[]answer{cancelled(), landed(1)}, 3, "[cancelled landed]"},
		"landed, then contradictory":            {[]answer{landed(1), unknown("contradictory")}, 3, "[landed contradictory]"},
		"landed, then forgotten":                {[]answer{landed(1), unknown("no-match")}, 4, "[landed]"},
		"cancelled, forgotten, cancelled":       {[]answer{cancelled(), unknown("no-match"), cancelled(), pending()}, 3, "[cancelled cancelled]"},
		"two failures":                          {[]answer{failing(), failing(), pending()}, 5, "[]"},
		"three failures":                        {[]answer{failing()}, 9, "[unreachable]"},
		"failures apart":                        {[]answer{failing(), failing(), pending(), failing(), failing(), pending()}, 6, "[]"},
		"failures after landed":                 {[]answer{landed(1), failing()}, 9, "[landed]"},
		"one failure among answers":             {[]answer{pending(), pending(), failing(), pending()}, 5, "[]"},
		"failures, then landed":                 {[]answer{failing(), failing(), failing(), landed(1)}, 5, "[unreachable landed]"},
		"a phase that nobody listed is shown":   {[]answer{{status: domain.FlightStatus{Phase: "holding"}}}, 2, "[holding]"},
		"unreachable said by the source itself": {[]answer{landed(1), unknown("unreachable")}, 3, "[landed]"},
	} {
		s := newStage(t, nil)
		s.watch("flightdelay/1", "L1", c.script...)
		stats := s.run(domain.Millis(c.polls-1) * 15 * minute)
		if got := fmt.Sprint(s.story()); got != c.want || stats.Polls != uint64(c.polls) {
			t.Errorf("%s: %s after %d polls, want %s", name, got, stats.Polls, c.want)
		}
		if stats.Polls != stats.Finals+stats.Pending+stats.Unknown+stats.Failures || stats != s.Stats() {
			t.Errorf("%s: counts do not add up: %+v", name, stats)
		}
		s.checkChain()
	}
}

func TestObservationSaysWhoWhatAndWhen(t *testing.T) {
	s := newStage(t, nil)
	s.watch("flightdelay/1", "L1", landed(99))
	s.run(0)
	o := s.record[0]
	if o.Kind != "flightdelay/1" || o.Subject != "L1" || o.Sequence != 1 || o.ObservedAt != morning || o.KeyID != s.signer.Key.ID ||
		o.Flight.Leg != "L1" || o.Flight.ActualIn != 99 || o.Flight.FetchedAt != morning || o.Flight.Source != "feed-a" || len(o.Flight.RawSHA256) != 32 {
		t.Errorf("got %+v, %+v", o, o.Flight)
	}
}

func TestOnePollServesAllKinds(t *testing.T) {
	s := newStage(t, nil)
	s.watch("flightdelay/2", "L1", landed(1))
	s.watch("flightdelay/1", "L1")
	if stats := s.run(0); stats.Polls != 1 || stats.Accepted != 2 {
		t.Errorf("got %+v", stats)
	}
	if s.record[0].Kind != "flightdelay/1" || s.record[1].Kind != "flightdelay/2" {
		t.Error("kinds are not in order")
	}
	s.checkChain()
}

func TestKindsWithAnotherScheduleShareThePolls(t *testing.T) {
	s := newStage(t, nil)
	s.watch("flightdelay/1", "L1", pending())
	slow := s.watches[0]
	slow.Kind, slow.Watch.Phases = "other/1", []domain.WatchPhase{{From: morning, Schedule: "@every 1h"}}
	s.watchAs(slow)
	if stats := s.run(hour); stats.Polls != 5 {
		t.Errorf("%d polls in an hour, want one each quarter", stats.Polls)
	}
}

func TestAnotherQueryIsAnotherPoll(t *testing.T) {
	s := newStage(t, nil)
	s.watch("flightdelay/1", "L1", landed(1))
	moved := s.watches[0]
	query := *moved.Watch.Query
	query.ScheduledOut += hour
	moved.Kind, moved.Watch.Query = "other/1", &query
	s.watchAs(moved)
	if stats := s.run(0); stats.Polls != 2 || stats.Accepted != 2 {
		t.Errorf("got %+v", stats)
	}
}

func TestFailedSubmissionGoesAgainWithTheSameBytes(t *testing.T) {
	s := newStage(t, nil)
	down := errors.New("ledger is down")
	s.verdict = func(o domain.Observation) error {
		if o.Subject == "L1" {
			return down
		}
		return nil
	}
	s.watch("flightdelay/1", "L1", landed(1), landed(2))
	s.watch("flightdelay/1", "L2", landed(1))
	stats := s.run(0)
	if stats.Unsent != 1 || stats.Accepted != 1 {
		t.Fatalf("got %+v", stats)
	}
	next, _ := s.Next()
	if wait := domain.Millis(next.UnixMilli()) - morning; wait != domain.Millis(oracle.MinResend.Milliseconds()) {
		t.Errorf("resend after %d ms", wait)
	}
	stats = s.run(16 * minute) // the poll at the quarter says something else, and must wait
	if stats.Resent < 5 || stats.Polls != 2 || stats.Accepted != 0 {
		t.Errorf("got %+v", stats)
	}
	first := s.sent[slices.IndexFunc(s.sent, func(raw []byte) bool { return bytes.Equal(raw, s.seen[1]) })]
	for _, raw := range s.sent {
		if !bytes.Equal(raw, first) && !bytes.Equal(raw, s.seen[2]) {
			t.Fatal("another message was made while one was unsent")
		}
	}
	s.verdict = nil
	s.run(15 * minute)
	if got := fmt.Sprint(s.story()); got != "[landed landed landed]" || len(s.seen) != 3 || s.record[2].Flight.ActualIn != 2 {
		t.Errorf("got %s, %d messages", got, len(s.seen))
	}
	s.checkChain()
}

func TestUnsentMessageOutlivesItsWatch(t *testing.T) {
	s := newStage(t, nil)
	s.verdict = func(domain.Observation) error { return errors.New("down") }
	s.watch("flightdelay/1", "L1", landed(1))
	s.run(0)
	s.watches = nil
	s.Refresh()
	if stats := s.run(hour); stats.Polls != 0 || stats.Resent == 0 {
		t.Errorf("got %+v", stats)
	}
	s.verdict = nil
	if stats := s.run(hour); stats.Accepted != 1 || stats.Polls != 0 {
		t.Errorf("got %+v", stats)
	}
	if _, any := s.Next(); any {
		t.Error("a closed watch is still on the agenda")
	}
}

func TestWatchThatOpensAgainGoesOn(t *testing.T) {
	s := newStage(t, nil)
	s.verdict = func(domain.Observation) error { return errors.New("down") }
	s.watch("flightdelay/1", "L1", landed(1))
	s.run(0)
	kept := s.watches
	s.watches = nil
	s.Refresh()
	s.watches, s.verdict = kept, nil
	s.Refresh()
	s.run(hour)
	if got := fmt.Sprint(s.story()); got != "[landed]" || len(s.seen) != 1 {
		t.Errorf("got %s, %d messages", got, len(s.seen))
	}
}

func TestRefusals(t *testing.T) {
	for code, want := range map[domain.Code]int{
		domain.NoWatch:     1,                      // nobody waits: done
		domain.NotEvidence: oracle.MaxRefusals + 1, // and then each hour
		domain.Frozen:      9,                      // may be freed any time
		domain.UnknownKey:  9,                      // not registered yet: no trace, so each time
	} {
		s := newStage(t, nil)
		s.verdict = func(domain.Observation) error { return domain.Refuse(code, "leg L1 is secret") }
		s.watch("flightdelay/1", "L1", landed(1))
		stats := s.run(2 * hour)
		if int(stats.Refused) != want || len(s.seen) != want || stats.Polls != 9 {
			t.Errorf("%s: %+v", code, stats)
		}
		s.checkChain()
	}
}

func TestRefusalForAgeIsFollowedByAFreshMessage(t *testing.T) {
	s := newStage(t, nil)
	s.verdict = func(o domain.Observation) error {
		if o.Sequence == 1 {
			return domain.Refuse(domain.NotEvidence, "too old")
		}
		return nil
	}
	s.watch("flightdelay/1", "L1", landed(1))
	s.run(hour)
	if got := fmt.Sprint(s.story()); got != "[landed]" || s.record[0].Sequence != 2 || s.record[0].Flight.FetchedAt == morning {
		t.Errorf("got %s", got)
	}
}

func TestNewContentIsPutToALedgerThatRefusedTheOld(t *testing.T) {
	s := newStage(t, nil)
	s.verdict = func(o domain.Observation) error {
		if o.Flight.ActualIn == 1 {
			return domain.Refuse(domain.NotEvidence, "no")
		}
		return nil
	}
	s.watch("flightdelay/1", "L1", landed(1), landed(1), landed(1), landed(1), landed(1), landed(2))
	s.run(2 * hour)
	if got := fmt.Sprint(s.story()); got != "[landed]" || len(s.seen) != oracle.MaxRefusals+1 {
		t.Errorf("got %s, %d messages", got, len(s.seen))
	}
}

func TestRefreshMovesOpensAndCloses(t *testing.T) {
	s := newStage(t, nil)
	nextIs := func(what string, want domain.Millis, any bool) {
		t.Helper()
		got, found := s.Next()
		if found != any || any && domain.Millis(got.UnixMilli()) != want {
			t.Errorf("%s: next %v (%v)", what, got, found)
		}
	}
	nextIs("nothing to watch", 0, false)
	s.watch("flightdelay/1", "L1", pending())
	nextIs("new watch, phase runs", morning, true)
	s.run(0)
	nextIs("after the poll", morning+15*minute, true)
	s.clock.Add(int64(5 * minute))
	s.watches[0].Watch.Until += hour
	s.Refresh()
	nextIs("extended watch is not polled anew", morning+15*minute, true)
	s.watches[0].Watch.Phases = []domain.WatchPhase{{From: morning, Schedule: "@every 3m"}}
	s.Refresh()
	nextIs("keener watch whose turn has passed", morning+5*minute, true)
	s.watches[0].Watch.Phases = []domain.WatchPhase{{From: morning + 3*hour, Schedule: "@every 3m"}}
	s.Refresh()
	nextIs("later phase", morning+3*hour, true)
	s.watches[0].Watch.Until = morning + 3*hour
	s.Refresh()
	nextIs("over before its poll", 0, false)
	s.watches[0].Watch.Until++
	s.Refresh()
	nextIs("over just after its poll", morning+3*hour, true)
	s.watches = nil
	s.Refresh()
	nextIs("closed", 0, false)
	if stats := s.run(12 * hour); stats.Polls != 0 {
		t.Errorf("a closed watch was polled: %+v", stats)
	}
}

func TestWatchesThatCannotBePolledStopNobody(t *testing.T) {
	var failures []error
	s := newStage(t, func(c *oracle.Config) { c.Failed = func(err error) { failures = append(failures, err) } })
	good := func(name string) ledger.WatchView {
		return ledger.WatchView{Kind: "flightdelay/1", Watch: domain.Watch{
			Subject: name, Until: morning + hour, Query: &domain.FlightQuery{}, Phases: []domain.WatchPhase{{From: 1, Schedule: "@every 15m"}},
		}}
	}
	broken, pushed, phaseless := good("L1"), good("L2"), good("L3")
	broken.Watch.Phases = []domain.WatchPhase{{From: 1, Schedule: "now and then"}}
	pushed.Watch.Query, phaseless.Watch.Phases = nil, nil
	for _, v := range []ledger.WatchView{broken, pushed, phaseless, good("L/4")} {
		s.watchAs(v, landed(1))
	}
	s.watchAs(good("L5"), landed(1))
	stats := s.run(0)
	if stats.Polls != 2 || stats.Accepted != 1 || stats.Refused != 1 || s.Stats().Invalid != 1 || len(failures) != 2 {
		t.Errorf("got %+v, %v", s.Stats(), failures)
	}
	s.checkChain() // the subject that no message can carry used up no sequence
}

func TestPollBrokenOffIsStillDue(t *testing.T) {
	s := newStage(t, nil)
	s.upstream.hold = make(chan struct{})
	s.watch("flightdelay/1", "L1", landed(1))
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := s.Poll(ctx, s.now()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if stats := s.Stats(); stats != (oracle.Stats{}) {
		t.Errorf("counted %+v", stats)
	}
	close(s.upstream.hold)
	if stats := s.run(0); stats.Accepted != 1 {
		t.Errorf("got %+v", stats)
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	s := newStage(t, func(c *oracle.Config) { c.Concurrency = 3 })
	s.upstream.hold = make(chan struct{})
	for i := range 20 {
		s.watch("flightdelay/1", fmt.Sprintf("L%d", i), landed(1))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.run(0)
	}()
	deadline := time.Now().Add(30 * time.Second)
	for s.upstream.working.Load() < 3 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	close(s.upstream.hold)
	<-done
	if peak := s.upstream.peak.Load(); peak != 3 || len(s.record) != 20 {
		t.Errorf("%d at a time, %d on record", peak, len(s.record))
	}
}

func TestOneAtATimeIsInOrderOfDueTimeThenName(t *testing.T) {
	s := newStage(t, func(c *oracle.Config) { c.Concurrency = 1 })
	for _, name := range []string{"L3", "L1", "L2"} {
		s.watch("flightdelay/1", name, landed(1))
	}
	s.run(0)
	for i, want := range []string{"L1", "L2", "L3"} {
		if o := s.record[i]; o.Subject != want || o.Sequence != uint64(i+1) {
			t.Errorf("place %d: %s", i, o.Subject)
		}
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	s := newStage(t, nil)
	good := oracle.Config{Ledger: origin, Epoch: 1, Signer: s.signer, Source: s.upstream, Watches: s.list, Submit: s.submit, Now: s.now}
	if _, err := oracle.New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*oracle.Config){
		"ledger": func(c *oracle.Config) { c.Ledger = "" }, "epoch": func(c *oracle.Config) { c.Epoch = 0 },
		"epoch too great": func(c *oracle.Config) { c.Epoch = 1 << 53 }, "signer": func(c *oracle.Config) { c.Signer = nil },
		"source": func(c *oracle.Config) { c.Source = nil }, "watches": func(c *oracle.Config) { c.Watches = nil },
		"submit": func(c *oracle.Config) { c.Submit = nil }, "now": func(c *oracle.Config) { c.Now = nil },
		"concurrency": func(c *oracle.Config) { c.Concurrency = -1 }, "too much": func(c *oracle.Config) { c.Concurrency = oracle.MaxConcurrency + 1 },
	} {
		c := good
		change(&c)
		if _, err := oracle.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
