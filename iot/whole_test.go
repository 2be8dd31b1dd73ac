package iot_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"aval/domain"
	"aval/domain/envelope"
	"aval/iot"
	"aval/iot/broker"
	"aval/iot/gateway"
	"aval/iot/iottest"
	"aval/iot/senml"
	"aval/iot/session"
)

const noon = domain.Millis(1_772_452_800_000) // 2026-03-02T12:00:00Z

// site is a broker with an ingest behind it.
type site struct {
	ledger *iottest.Ledger
	ingest *iot.Ingest
	// uplink is what gateways connect through, ingress what an external session does; nil if embedded.
	uplink, ingress *iottest.Link
}

func (s site) cut() {
	s.uplink.Cut()
	if s.ingress != nil {
		s.ingress.Cut()
	}
}

// bothBrokers runs one test body against the embedded broker and against Mosquitto.
func bothBrokers(t *testing.T, timeout time.Duration, body func(*testing.T, site)) {
	t.Run("embedded", func(t *testing.T) { body(t, embedded(t, timeout)) })
	t.Run("mosquitto", func(t *testing.T) { body(t, external(t, timeout)) })
}

func newSite(t *testing.T, timeout time.Duration) site {
	t.Helper()
	s := site{ledger: iottest.NewLedger()}
	var err error
	s.ingest, err = iot.New(iot.Config{Ledger: s.ledger, Net: "test", Timeout: timeout, Gateway: func(device string) (string, bool) {
		gateway, known := map[string]string{"probe-1": "gw-1", "probe-2": "gw-1", "probe-3": "gw-2"}[device]
		return gateway, known
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func embedded(t *testing.T, timeout time.Duration) site {
	s := newSite(t, timeout)
	b, err := broker.New(broker.Config{Address: "127.0.0.1:0", Clients: []broker.Client{
		{Org: "acme", Gateway: "gw-1", Password: "secret-gw-1"}, {Org: "acme", Gateway: "gw-2", Password: "secret-gw-2"},
		{Org: "acme", Gateway: "gw-3", Password: "secret-gw-3"},
	}}, s.ingest)
	if err != nil {
		t.Fatal(err)
	}
	background(t, b.Run)
	s.uplink = iottest.NewLink(t, b.Address())
	return s
}

func external(t *testing.T, timeout time.Duration) site {
	s := newSite(t, timeout)
	address := iottest.Mosquitto(t)
	s.uplink, s.ingress = iottest.NewLink(t, address), iottest.NewLink(t, address)
	in, err := session.New(session.Config{Broker: s.ingress.URL(), ClientID: "ingest-1", WriteTimeout: time.Second}, s.ingest)
	if err != nil {
		t.Fatal(err)
	}
	background(t, in.Run)
	return s
}

// background runs until the test ends, or until the function that it returns is called.
func background(t testing.TB, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// receipts collects the fingerprints for which a gateway verified a receipt.
type receipts struct {
	mu  sync.Mutex
	all map[string]bool
}

func (r *receipts) verify(l *iottest.Ledger) func(receipt, fingerprint []byte) error {
	return func(receipt, fingerprint []byte) error {
		if err := l.Verify(receipt, fingerprint); err != nil {
			return err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all[hex.EncodeToString(fingerprint)] = true
		return nil
	}
}

func openGateway(t *testing.T, s site, id, path string, verify func(receipt, fingerprint []byte) error) *gateway.Gateway {
	t.Helper()
	g, err := gateway.Open(gateway.Config{
		Broker: s.uplink.URL(), Net: "test", Org: "acme", ID: id, Password: "secret-" + id, Path: path, Window: 16,
		Resend: 300 * time.Millisecond, WriteTimeout: time.Second, Verify: verify,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

func newSigner(t testing.TB, algorithm string) *envelope.Signer {
	t.Helper()
	s, err := envelope.NewSigner(algorithm, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newDevice(t testing.TB, signer *envelope.Signer, origin, name, format string) *gateway.Device {
	t.Helper()
	d, err := gateway.NewDevice(signer, senml.Pack{Ledger: origin, Kind: "invoice/1", Subject: "S-1", Device: name, Epoch: 1}, format)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// packs signs n messages of a device.
func packs(t testing.TB, d *gateway.Device, n int) [][]byte {
	t.Helper()
	var all [][]byte
	for i := range n {
		at := noon + domain.Millis(i)*60_000
		reading, err := senml.NewReading("temperature", fmt.Sprintf("4.%03d", i), at)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := d.Sign(at+1, domain.ClockNTP, []domain.Reading{reading})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, raw)
	}
	return all
}

func fingerprint(t testing.TB, raw []byte) string {
	t.Helper()
	codec, err := senml.Sniff(raw)
	if err != nil {
		t.Fatal(err)
	}
	o, _, err := codec.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(o.Fingerprint)
}

func put(t testing.TB, g *gateway.Gateway, device string, messages ...[]byte) {
	t.Helper()
	for _, raw := range messages {
		if err := g.Put(device, iot.Readings, raw); err != nil {
			t.Fatal(err)
		}
	}
}

// forge breaks the signature of each message.
func forge(messages [][]byte) [][]byte {
	var all [][]byte
	for _, raw := range messages {
		forged := bytes.Clone(raw)
		forged[len(forged)-10] ^= 1
		all = append(all, forged)
	}
	return all
}

func poison(n int) [][]byte {
	var all [][]byte
	for i := range n {
		all = append(all, fmt.Appendf(nil, "poison %d", i))
	}
	return all
}

// Goal: whatever the links, the brokers and the gateways do, the set of receipts is the set of
// validly signed messages, each has one effect, and everything else is in quarantine once.
// Method: two gateways with out-of-order and repeated messages, a third that replays a
// stranger's; poison and forgeries between; links cut and a gateway restarted at points of progress.
func TestReceiptsAreTheSignedMessages(t *testing.T) {
	bothBrokers(t, 5*time.Second, func(t *testing.T, s site) {
		const n = 60
		got := receipts{all: map[string]bool{}}
		verify := got.verify(s.ledger)
		path := filepath.Join(t.TempDir(), "gw-1")
		one := openGateway(t, s, "gw-1", path, verify)
		two := openGateway(t, s, "gw-2", filepath.Join(t.TempDir(), "gw-2"), verify)
		three := openGateway(t, s, "gw-3", filepath.Join(t.TempDir(), "gw-3"), verify)

		signed := [3][][]byte{}
		for i, format := range []string{senml.FormatJWS, senml.FormatCOSE, senml.FormatCOSE} {
			signer := newSigner(t, []string{envelope.EdDSA, envelope.EdDSA, envelope.ES256}[i])
			s.ledger.Register(signer.Key)
			signed[i] = packs(t, newDevice(t, signer, iottest.Origin, fmt.Sprintf("probe-%d", i+1), format), n)
		}
		known := newSigner(t, envelope.EdDSA)
		s.ledger.Register(known.Key)
		foreign := packs(t, newDevice(t, known, "ledger.example/other", "probe-1", senml.FormatCOSE), 7)
		unregistered := packs(t, newDevice(t, newSigner(t, envelope.EdDSA), iottest.Origin, "probe-2", senml.FormatJWS), 6)
		forged := forge(packs(t, newDevice(t, known, iottest.Origin, "probe-1", senml.FormatCOSE), 5))

		slices.Reverse(signed[0]) // the oldest comes last
		put(t, one, "probe-1", signed[0][:n/2]...)
		put(t, one, "probe-1", signed[0][:n/4]...) // repeats
		put(t, two, "probe-3", poison(25)...)
		put(t, two, "probe-3", signed[2]...)
		put(t, two, "probe-3", slices.Concat(forged, foreign, unregistered)...)
		put(t, three, "probe-2", signed[1][:n/2]...) // gateway 3 carries what device 2 signed

		stop := background(t, one.Run)
		background(t, two.Run)
		background(t, three.Run)
		progress := func(count int) {
			t.Helper()
			iottest.Eventually(t, fmt.Sprintf("%d committed", count), func() bool { return len(s.ledger.Committed()) >= count })
			s.cut()
		}
		progress(10)
		progress(30)
		s.ledger.Fail(3, 3)
		progress(60)
		stop() // the gateway restarts with messages under way
		if err := one.Close(); err != nil {
			t.Fatal(err)
		}
		one = openGateway(t, s, "gw-1", path, verify)
		put(t, one, "probe-1", signed[0]...)
		put(t, one, "probe-2", signed[1]...) // device 2 through its own gateway: half are repeats
		background(t, one.Run)
		progress(100)
		progress(150)

		held := 25 + 5 + 7 + 6
		iottest.Eventually(t, "all receipts and notices are in", func() bool {
			return one.Stats().Pending == 0 && three.Stats().Pending == 0 && two.Stats().Pending == held && len(two.Held()) == held
		})
		checkReceipts(t, s, slices.Concat(signed[0], signed[1], signed[2]), got.all)
		if bad := one.Stats().BadReceipts + two.Stats().BadReceipts; bad != 0 {
			t.Errorf("%d bad receipts", bad)
		}
	})
}

// checkReceipts compares what gateways hold receipts for, and what the ledger did, with what was signed.
func checkReceipts(t *testing.T, s site, signed [][]byte, got map[string]bool) {
	t.Helper()
	want := map[string]bool{}
	for _, raw := range signed {
		want[fingerprint(t, raw)] = true
	}
	if !maps.Equal(got, want) {
		t.Errorf("%d receipts for %d signed messages", len(got), len(want))
	}
	if committed := s.ledger.Committed(); !maps.Equal(committed, want) {
		t.Errorf("%d effects for %d signed messages", len(committed), len(want))
	}
	const held = 25 + 5 + 7 + 6
	counts, writes := s.ledger.Quarantined()
	wantCounts := map[domain.Code]int{domain.Malformed: 25, domain.BadSignature: 5, domain.WrongLedger: 7, domain.UnknownKey: 6}
	if !reflect.DeepEqual(counts, wantCounts) || writes < held || writes > held+6 {
		t.Errorf("quarantine: got %v in %d writes", counts, writes)
	}
	c := s.ingest.Counters()
	// A fault after the commit turns the first answer to a message into a duplicate, so at most those are missing.
	if c.Accepted > uint64(len(signed)) || c.Accepted < uint64(len(signed))-6 || c.Duplicates == 0 || c.Unacknowledged == 0 || c.GatewayMismatch == 0 || c.DeviceMismatch != 0 {
		t.Errorf("counters: %+v", c)
	}
	for code, count := range wantCounts {
		if c.Quarantined[code] < uint64(count) {
			t.Errorf("counters: %s %d, want at least %d", code, c.Quarantined[code], count)
		}
	}
}

// Goal: a ledger that stands still costs neither connections nor memory, and nothing is lost.
func TestStalledLedgerKeepsConnections(t *testing.T) {
	bothBrokers(t, 100*time.Millisecond, func(t *testing.T, s site) {
		signer := newSigner(t, envelope.EdDSA)
		s.ledger.Register(signer.Key)
		g := openGateway(t, s, "gw-1", filepath.Join(t.TempDir(), "gw-1"), s.ledger.Verify)
		s.ledger.Stall()
		put(t, g, "probe-1", packs(t, newDevice(t, signer, iottest.Origin, "probe-1", senml.FormatCOSE), 100)...)
		background(t, g.Run)
		iottest.Eventually(t, "the stall shows", func() bool { return s.ingest.Counters().Unacknowledged >= 3 && g.Stats().Published > 16 })
		if stats := g.Stats(); stats.Connects != 1 || stats.Pending != 100 || len(s.ledger.Committed()) != 0 {
			t.Errorf("during the stall: %+v", stats)
		}
		s.ledger.Resume()
		iottest.Eventually(t, "everything is through", func() bool { return g.Stats().Pending == 0 })
		if committed := len(s.ledger.Committed()); committed != 100 {
			t.Errorf("%d committed", committed)
		}
		if connects := g.Stats().Connects; connects > 3 { // the embedded broker asks for a repeat once flow is back
			t.Errorf("%d connections", connects)
		}
	})
}

// Goal: a notice does not lose evidence: once the key is registered the message goes through;
// and what never will is dropped only by the operator.
func TestNoticeHoldsUntilTheCauseIsMended(t *testing.T) {
	bothBrokers(t, 5*time.Second, func(t *testing.T, s site) {
		signer := newSigner(t, envelope.EdDSA)
		g, err := gateway.Open(gateway.Config{
			Broker: s.uplink.URL(), Net: "test", Org: "acme", ID: "gw-1", Password: "secret-gw-1", Path: filepath.Join(t.TempDir(), "gw-1"),
			Resend: 200 * time.Millisecond, NoticePause: 200 * time.Millisecond, Verify: s.ledger.Verify,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = g.Close() })
		put(t, g, "probe-1", packs(t, newDevice(t, signer, iottest.Origin, "probe-1", senml.FormatJWS), 1)...)
		put(t, g, "probe-1", []byte("poison"))
		background(t, g.Run)
		iottest.Eventually(t, "both are held", func() bool { return len(g.Held()) == 2 })
		s.ledger.Register(signer.Key)
		iottest.Eventually(t, "the signed one is through", func() bool { return g.Stats().Trimmed == 1 })
		held := g.Held()
		if len(held) != 1 || held[0].Code != domain.Malformed || g.Stats().Pending != 1 {
			t.Fatalf("held %+v", held)
		}
		if err := g.Drop(held[0].Digest); err != nil || g.Stats().Pending != 0 {
			t.Errorf("drop: %v", err)
		}
		if g.Drop(held[0].Digest) == nil {
			t.Error("dropped twice")
		}
	})
}
