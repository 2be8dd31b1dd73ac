package api

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"aval/domain"
	"aval/ledger/ledgertest"
)

// limited is an engine's house whose governance allows that many commands and reads a minute.
func limited(t *testing.T, l domain.Limits) *engined {
	t.Helper()
	e := openEngine(t)
	e.node.MustSubmit(e.node.World.Command(e.node.World.Member, domain.GovernanceKind, "registry", "register", ledgertest.Registration{Limits: &l}))
	return e
}

// A party is held to what governance allows, others are not touched by it, and time heals.
func TestPartyIsHeldToItsRate(t *testing.T) {
	e := limited(t, domain.Limits{CommandsPerMinute: 2, ReadsPerMinute: 3})
	order := func(n int) answered {
		return e.order(e.acme, "M-"+strconv.Itoa(n), "issue", ledgertest.Order{To: "acme", Amount: euro(1)})
	}
	for n := range 2 {
		if a := order(n); a.status != http.StatusOK {
			t.Fatalf("command %d: %d %s", n, a.status, a.body)
		}
	}
	for n := range 3 {
		if a := e.read("/v1/accounts", e.acme); a.status != http.StatusOK {
			t.Fatalf("read %d: %d %s", n, a.status, a.body)
		}
	}
	slow := func(what string, a answered, wait string) {
		t.Helper()
		if p := decodeProblem(t, a); p.Code != rateLimited || a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != wait {
			t.Errorf("%s: %d %s, Retry-After %q, want %s", what, a.status, a.body, a.header.Get("Retry-After"), wait)
		}
	}
	size := e.node.Size()
	slow("a third command", order(3), "30")
	slow("a fourth read", e.read("/v1/accounts", e.acme), "20")
	if e.node.Size() != size {
		t.Error("a command beyond the rate reached the log")
	}
	if a := e.read("/v1/accounts", e.globex); a.status != http.StatusOK {
		t.Errorf("another party: %d", a.status)
	}
	e.node.World.Clock.Add(30 * time.Second)
	if a := order(4); a.status != http.StatusOK {
		t.Errorf("half a minute later: %d %s", a.status, a.body)
	}
	slow("and one more", order(5), "30")
}

// What somebody else signs under a party's key counts against the address that sent it, never against the party.
func TestForgeriesDoNotSpendAPartysRate(t *testing.T) {
	e := limited(t, domain.Limits{CommandsPerMinute: 2, ReadsPerMinute: 2})
	forger := ledgertest.NewSigner(t)
	forger.Key.ID = e.acme.Key.ID
	for range 5 {
		if a := e.order(forger, "F", "issue", ledgertest.Order{To: "acme", Amount: euro(1)}); a.status != http.StatusForbidden {
			t.Errorf("a forged command: %d %s", a.status, a.body)
		}
		if a := e.read("/v1/accounts", forger); a.status != http.StatusUnauthorized {
			t.Errorf("a forged token: %d %s", a.status, a.body)
		}
	}
	if a := e.order(e.acme, "M", "issue", ledgertest.Order{To: "acme", Amount: euro(1)}); a.status != http.StatusOK {
		t.Errorf("the party's own command: %d %s", a.status, a.body)
	}
	if a := e.read("/v1/accounts", e.acme); a.status != http.StatusOK {
		t.Errorf("the party's own read: %d %s", a.status, a.body)
	}
}

// Strangers are bounded by address, on public paths too; parties at the same address are served.
func TestStrangersAreHeldToARate(t *testing.T) {
	h := open(t, func(l *limits) { l.strangers, l.forgeries = 4, 2 })
	h.trade()
	now := time.Now()
	h.Server.now = func() time.Time { return now }
	nobody := h.fake.Enrol(domain.DeviceHolder, "sensor")
	for n, r := range []request{{path: "/log/checkpoint"}, {path: "/v1/accounts"}, {path: "/v1/accounts", token: h.token(nobody)},
		{method: http.MethodPost, path: "/v1/commands", body: "x"}} {
		if a := h.do(r); a.status == http.StatusTooManyRequests {
			t.Errorf("request %d: %s", n, a.body)
		}
	}
	for n, r := range []request{{path: "/log/checkpoint"}, {path: "/v1/accounts"}, {path: "/v1/accounts", token: h.token(nobody)},
		{method: http.MethodPost, path: "/v1/commands", body: "x"}} {
		if p := decodeProblem(t, h.do(r)); p.Code != rateLimited {
			t.Errorf("request %d beyond the rate: %+v", n, p)
		}
	}
	if a := h.get("/v1/accounts", h.acme); a.status != http.StatusOK {
		t.Errorf("a party at the same address: %d", a.status)
	}
	if a := h.get("/healthz", nil); a.status != http.StatusOK {
		t.Errorf("health: %d", a.status)
	}
}

// However many addresses there are, the table of buckets is bounded, and a busy one is kept.
func TestBucketsAreBounded(t *testing.T) {
	r, at := newRates(10), time.Unix(0, 0)
	if _, err := r.take("busy", 1, at); err != nil {
		t.Fatal(err)
	}
	for n := range 1000 {
		if _, err := r.take(fmt.Sprint("address ", n), 1, at); err != nil {
			t.Fatal(err)
		}
		if _, err := r.take("busy", 1, at); err == nil {
			t.Fatalf("a bucket in use was forgotten after %d others", n)
		}
		if len(r.now)+len(r.earlier) > 20 {
			t.Fatalf("%d buckets", len(r.now)+len(r.earlier))
		}
	}
}

func TestAddressesOfOneNetworkAreOne(t *testing.T) {
	name := func(remote string) string { return stranger(&http.Request{RemoteAddr: remote}) }
	if name("[2001:db8::1]:1") != name("[2001:db8::2:3]:4") || name("192.0.2.1:1") == name("192.0.2.2:1") ||
		name("[::ffff:192.0.2.1]:1") != name("192.0.2.1:9") || name("[2001:db8::1]:1") == name("[2001:db8:0:1::1]:1") {
		t.Error("addresses are told apart wrongly")
	}
}
