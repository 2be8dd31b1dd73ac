package invoice

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
)

// said is one thing that a publisher says about an event: a version of it, or that it is not true.
type said struct {
	name     string
	version  int64
	withdraw bool
}

// standing gives the samples that would count: of each event the version in force, unless it is dead.
func standing(all []said) []string {
	var r register
	accepted := map[string]string{}
	for _, s := range all {
		if s.withdraw {
			r.withdraw(s.name, 7)
			continue
		}
		head := domain.Reading{Event: s.name, Text: fmt.Sprint("content of ", s.name, s.version), Value: s.version}
		if key, v := r.enter(head); v == stands {
			accepted[string(key)] = fmt.Sprint(s.name, "/", s.version)
		}
	}
	var live []string
	for key, what := range accepted {
		if !r.dead(key) {
			live = append(live, what)
		}
	}
	slices.Sort(live)
	return live
}

// The order in which versions and withdrawals come changes nothing, nor does saying it again.
func TestOrderAndRepeatsOfEventsChangeNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) said {
			return said{
				name: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "name"), version: rapid.Int64Range(0, 3).Draw(rt, "version"),
				withdraw: rapid.IntRange(0, 5).Draw(rt, "withdraw") == 0,
			}
		}), 0, 12).Draw(rt, "said")
		want := standing(all)
		other := rapid.Permutation(append(slices.Clone(all), all...)).Draw(rt, "otherwise")
		if got := standing(other); !slices.Equal(got, want) {
			rt.Fatalf("%v\nstands as %v, and as %v when said as %v", all, want, got, other)
		}
	})
}

func TestOneNameWithTwoContentsIsContested(t *testing.T) {
	var r register
	first, v := r.enter(domain.Reading{Event: "a", Text: "x"})
	if v != stands {
		t.Fatal("the first content does not stand")
	}
	if again, v := r.enter(domain.Reading{Event: "a", Text: "x"}); v != stands || string(again) != string(first) {
		t.Error("the same again is another one")
	}
	if _, v := r.enter(domain.Reading{Event: "a", Text: "y"}); v != contested {
		t.Error("another content under one name is not contested")
	}
	if _, v := r.enter(domain.Reading{Event: "a", Text: "y", Value: 1}); v != stands || !r.dead(string(first)) {
		t.Error("a later version does not replace the first")
	}
}

func TestRegistersAreBounded(t *testing.T) {
	var r register
	for i := range MaxEvents {
		r.enter(domain.Reading{Event: strconv.Itoa(i), Text: "x"})
	}
	if err := r.check(); err != nil {
		t.Errorf("%d events: %v", MaxEvents, err)
	}
	r.withdraw("one more", 1)
	if err := r.check(); err == nil || err.Error() != "limit-exceeded: more than 256 events about one shipment" {
		t.Errorf("got %v", err)
	}
	r = register{}
	for i := range MaxSeals + 1 {
		r.see(sealSeen{At: domain.Millis(i), Number: "A1"})
		r.see(sealSeen{At: domain.Millis(i), Number: "A1"})
	}
	if err := r.check(); err == nil || err.Error() != "limit-exceeded: more than 64 observations of seals" {
		t.Errorf("got %v", err)
	}
}

// Seals end to end: each story is what was seen, in order, before the goods arrived.
func TestSeals(t *testing.T) {
	for name, c := range map[string]struct {
		seen   []sealSeen
		broken bool
	}{
		"nobody looked":                 {nil, false},
		"as it left":                    {[]sealSeen{{Number: "A1", State: domain.StateIntact}}, false},
		"another number":                {[]sealSeen{{Number: "B2", State: domain.StateIntact}}, true},
		"taken off":                     {[]sealSeen{{Number: "A1", State: domain.StateRemoved}}, true},
		"taken off by customs for ever": {[]sealSeen{{Number: "A1", State: domain.StateRemoved, By: customs}}, true},
		"customs seal it again":         {[]sealSeen{{Number: "A1", State: domain.StateRemoved}, {Number: "N", State: domain.StateAffixed, By: customs}, {Number: "N", State: domain.StateIntact}}, false},
		"the carrier seals it again":    {[]sealSeen{{Number: "N", State: domain.StateAffixed, By: "CAR"}}, true},
		"the new seal is another too":   {[]sealSeen{{Number: "N", State: domain.StateAffixed, By: customs}, {Number: "M", State: domain.StateIntact}}, true},
	} {
		var r register
		for i, each := range c.seen {
			each.At, each.Event = domain.Millis(i), []byte("e")
			r.see(each)
		}
		s := Shipment{Seals: []string{"A1"}}
		if got := s.broken([]track{{register: r}}, 100); got != c.broken {
			t.Errorf("%s: broken %v, want %v", name, got, c.broken)
		}
		r.Dead = [][]byte{[]byte("e")}
		if s.broken([]track{{register: r}}, 100) {
			t.Errorf("%s: counts though it was withdrawn", name)
		}
	}
}
