package bench

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"aval/domain"
)

func TestOptionsAreChecked(t *testing.T) {
	good := Options{Mode: "process", InFlight: 1, Seconds: 1, Accounts: 1}
	if err := good.check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Options){
		"mode":            func(o *Options) { o.Mode = "carrier pigeon" },
		"no callers":      func(o *Options) { o.InFlight = 0 },
		"many callers":    func(o *Options) { o.InFlight = MaxInFlight + 1 },
		"no time":         func(o *Options) { o.Seconds = 0 },
		"too long":        func(o *Options) { o.Seconds = MaxSeconds + 1 },
		"no account":      func(o *Options) { o.Accounts = 0 },
		"negative rate":   func(o *Options) { o.Rate = -1 },
		"impossible one":  func(o *Options) { o.Rate = MaxRate + 1 },
		"level of nobody": func(o *Options) { o.Ramp = []int{1, 0} },
		"level too high":  func(o *Options) { o.Ramp = []int{MaxInFlight + 1} },
		"long ramp":       func(o *Options) { o.Ramp = make([]int, MaxLevels+1) },
		"large bulk":      func(o *Options) { o.Bulk = domain.MaxBulk + 1 },
		"open too many":   func(o *Options) { o.Open = MaxOpen + 1 },
	} {
		o := good
		spoil(&o)
		if _, err := Run(context.Background(), o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// Both ways in commit what they count, and print the fields that scripts rely on.
func TestShortRun(t *testing.T) {
	for _, o := range []Options{
		{Mode: "process", InFlight: 4, Seconds: 1, Accounts: 1}, {Mode: "http", InFlight: 4, Seconds: 1, Accounts: 3, Rate: 50},
	} {
		r, err := Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		if r.Committed == 0 || r.P50 <= 0 || r.P99 < r.P50 || r.Max < r.P99 || r.Machine.VerifyOneCore <= 0 || r.RatioToSignatureLimit <= 0 {
			t.Errorf("%s: %+v", o.Mode, r)
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{
			"mode", "in_flight", "committed", "per_second", "p50_ms", "p99_ms", "postings_per_second", "machine", "ratio_to_signature_limit",
		} {
			if _, ok := fields[name]; !ok {
				t.Errorf("no field %s", name)
			}
		}
	}
}

// Invoices are opened like policies, and anything else is named.
func TestOpenInvoices(t *testing.T) {
	o := Options{Mode: "process", InFlight: 1, Seconds: 1, Accounts: policiesPerLeg, Open: 20, OpenKind: "invoice"}
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Opened.Contracts != 20 || r.Opened.Kind != "invoice" || r.Opened.MemoryEach == 0 {
		t.Errorf("opened %+v", r.Opened)
	}
	o.OpenKind = "loan"
	if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "--open-kind") {
		t.Errorf("opened loans: %v", err)
	}
}

// A ramp gives a result for each level, and a node with open policies is opened again before it.
func TestRampOverOpenPolicies(t *testing.T) {
	r, err := Run(context.Background(), Options{Mode: "process", InFlight: 1, Seconds: 1, Accounts: policiesPerLeg, Bulk: 5, Open: 1500, OpenKind: "policy", Ramp: []int{2, 5}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Levels) != 2 || r.Levels[0].InFlight != 2 || r.Levels[1].InFlight != 5 || r.Levels[0].Committed == 0 || r.Levels[1].Committed != r.Committed {
		t.Errorf("levels %+v", r.Levels)
	}
	if o := r.Opened; o == nil || o.Contracts != 1500 || o.DiskEach <= 0 || o.ReopenSeconds <= 0 {
		t.Errorf("opened %+v", r.Opened)
	}
	if r.PostingsPerSecond != 5*r.PerSecond || len(r.Curve) == 0 || r.Curve[0].CPU <= 0 {
		t.Errorf("%v postings for %v commands a second, %d points", r.PostingsPerSecond, r.PerSecond, len(r.Curve))
	}
}

func TestPercentile(t *testing.T) {
	var all []time.Duration
	for i := range 100 {
		all = append(all, time.Duration(100-i)*time.Millisecond)
	}
	sortDurations(all)
	for share, want := range map[float64]float64{0: 1, 0.5: 51, 0.99: 100, 1: 100} {
		if got := percentile(all, share); got != want {
			t.Errorf("%v: %v, want %v", share, got, want)
		}
	}
	if percentile(nil, 0.5) != 0 {
		t.Error("nothing measured gives a figure")
	}
}
