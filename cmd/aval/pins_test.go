package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aval/api/client"
)

// TestPinsGrowOld: with a policy at hand a pin counts for a day, without one for as long as it is kept, and always for its host alone.
func TestPinsGrowOld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pins.json")
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	p, err := openPins(path)
	if err != nil {
		t.Fatal(err)
	}
	key, other := client.KeyHash{1}, client.KeyHash{2}
	for _, n := range []pin{{Host: "a:1", Key: other.String(), At: at}, {Host: "a:1", Key: key.String(), At: at, Simulated: true}, {Host: "b:1", Key: other.String(), At: at}} {
		if err := p.put(n); err != nil {
			t.Fatal(err)
		}
	}
	if p, err = openPins(path); err != nil || len(p.Pins) != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	for _, c := range []struct {
		host      string
		key       client.KeyHash
		appraised bool
		age       time.Duration
		want      bool
	}{
		{"a:1", key, true, 23 * time.Hour, true},
		{"a:1", key, true, 24 * time.Hour, false},
		{"a:1", key, false, 1000 * time.Hour, true},
		{"a:1", other, false, 0, false},
		{"b:1", key, false, 0, false},
		{"c:1", key, false, 0, false},
	} {
		known, simulated := p.has(c.host, c.key, c.appraised, at.Add(c.age))
		if known != c.want || simulated != c.want {
			t.Errorf("%+v: known %v, simulated %v", c, known, simulated)
		}
	}
}

func TestPinsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pins.json")
	for text, want := range map[string]string{
		`{"pins": [{"hots": "a:1"}]}`:   "unknown field",
		`{`:                             path,
		strings.Repeat(" ", maxInput+1): "larger than the limit",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openPins(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v", text, err)
		}
	}
	for _, text := range []string{"sha256:", "sha256:zz", "sha256:" + strings.Repeat("a", 62), "sha256:" + strings.Repeat("a", 66)} {
		if _, err := openPins(text); err == nil {
			t.Errorf("%s: taken", text)
		}
	}
	full := &pins{Pins: make([]pin, maxPins)}
	if err := full.put(pin{Host: "one more"}); err == nil || !strings.Contains(err.Error(), "limit 1000") {
		t.Errorf("got %v", err)
	}
}
