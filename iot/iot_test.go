package iot_test

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"aval/domain"
	"aval/domain/envelope"
	"aval/iot"
	"aval/iot/iottest"
	"aval/iot/senml"
	"aval/ledger"
)

func newIngest(t testing.TB, l iot.Ledger, timeout time.Duration) *iot.Ingest {
	t.Helper()
	g, err := iot.New(iot.Config{Ledger: l, Net: "test", Timeout: timeout, Gateway: func(device string) (string, bool) {
		return "gw-1", device == "probe-1"
	}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func own(class string) iot.Origin {
	return iot.Origin{Org: "acme", Gateway: "gw-1", Topic: "aval/1/test/acme/gw-1/up/probe-1/" + class}
}

func TestAcceptOutcomes(t *testing.T) {
	signer := newSigner(t, envelope.EdDSA)
	l := iottest.NewLedger(signer.Key)
	l.RefuseSubject("S-2")
	g := newIngest(t, l, time.Second)
	good := packs(t, newDevice(t, signer, iottest.Origin, "probe-1", senml.FormatCOSE), 4)
	other := newDevice(t, signer, iottest.Origin, "probe-2", senml.FormatCOSE)
	equivocal := packs(t, other, 2)
	unwatched, err := senml.SealJWS(signer, senml.Pack{Ledger: iottest.Origin, Kind: "invoice/1", Subject: "S-2", Device: "probe-1", Epoch: 9,
		Sequence: 1, Clock: domain.ClockRTC, Readings: []domain.Reading{{Name: "scan", Text: "x", At: noon}}})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := own("r")
	elsewhere.Org, elsewhere.Gateway, elsewhere.Topic = "acme", "gw-2", "aval/1/test/acme/gw-2/up/probe-9/r"
	anyone := iot.Origin{Topic: own("b").Topic}
	for _, c := range []struct {
		name   string
		origin iot.Origin
		raw    []byte
		status iot.Status
		code   domain.Code
	}{
		{"readings", own("r"), good[0], iot.Committed, ""},
		{"event", own("e"), good[1], iot.Committed, ""},
		{"birth of an external broker", anyone, good[2], iot.Committed, ""},
		{"repeat", own("r"), good[0], iot.Duplicate, ""},
		{"other gateway and topic", elsewhere, good[3], iot.Committed, ""},
		{"other message of a known identity", own("r"), equivocal[1], iot.Committed, domain.Equivocation},
		{"nobody watches", own("r"), unwatched, iot.Committed, domain.NoWatch},
		{"state", own("s"), []byte("online"), iot.Ignored, ""},
		{"empty", own("r"), nil, iot.Quarantined, domain.Malformed},
		{"poison", own("r"), []byte("hello"), iot.Quarantined, domain.Malformed},
		{"one byte", own("r"), []byte{0xd2}, iot.Quarantined, domain.Malformed},
		{"too large", own("r"), make([]byte, iot.MaxMessageBytes+1), iot.Quarantined, domain.TooLarge},
		{"forged", own("r"), forge(good[:1])[0], iot.Quarantined, domain.BadSignature},
		{"bad topic", iot.Origin{Topic: "aval/1/test"}, good[0], iot.Quarantined, domain.Malformed},
		{"another network", iot.Origin{Topic: "aval/1/prod/acme/gw-1/up/probe-1/r"}, good[0], iot.Quarantined, domain.WrongLedger},
		{"another gateway's topic", iot.Origin{Org: "acme", Gateway: "gw-2", Topic: own("r").Topic}, good[0], iot.Quarantined, domain.NotPermitted},
		{"another organisation's topic", iot.Origin{Org: "evil", Gateway: "gw-1", Topic: own("r").Topic}, good[0], iot.Quarantined, domain.NotPermitted},
	} {
		o, err := g.Accept(context.Background(), c.origin, c.raw)
		if err != nil || o.Status != c.status || o.Code != c.code {
			t.Errorf("%s: got %+v, %v", c.name, o, err)
			continue
		}
		checkAnswer(t, l, c.name, c.origin, o)
	}
	counts := g.Counters()
	if counts.Accepted != 4 || counts.Duplicates != 1 || counts.GatewayMismatch != 1 || counts.DeviceMismatch != 2 || counts.States != 1 ||
		!reflect.DeepEqual(counts.Refused, map[domain.Code]uint64{domain.NoWatch: 1, domain.Equivocation: 1}) ||
		!reflect.DeepEqual(counts.Quarantined, map[domain.Code]uint64{domain.Malformed: 4, domain.TooLarge: 1, domain.BadSignature: 1, domain.WrongLedger: 1, domain.NotPermitted: 2}) {
		t.Errorf("counters: %+v", counts)
	}
}

// checkAnswer holds the law of answers: a receipt that verifies for what is on the ledger, a
// notice for what is not, both to the gateway of the topic.
func checkAnswer(t *testing.T, l *iottest.Ledger, name string, origin iot.Origin, o iot.Outcome) {
	t.Helper()
	if o.Status == iot.Ignored || origin.Gateway == "" && o.Status == iot.Quarantined {
		if o.Answer != nil || o.AnswerTopic != "" {
			t.Errorf("%s: answered", name)
		}
		return
	}
	gateway := strings.Split(origin.Topic, "/")[4]
	if o.Code == domain.NotPermitted {
		gateway = origin.Gateway // the answer goes to who published, never to the topic's owner
	}
	if !strings.HasSuffix(o.AnswerTopic, "/"+gateway+"/dn/receipt") {
		t.Errorf("%s: answer to %s", name, o.AnswerTopic)
	}
	r, fingerprint, err := iot.ParseReceipt(o.Answer)
	if err != nil || r.Code != o.Code {
		t.Fatalf("%s: answer %s: %v", name, o.Answer, err)
	}
	proved := l.Verify([]byte(r.Receipt), fingerprint) == nil
	if wanted := o.Status != iot.Quarantined && o.Code != domain.Equivocation; proved != wanted {
		t.Errorf("%s: receipt verifies: %v", name, proved)
	}
}

func TestGatewayMismatchIsFlaggedNotRefused(t *testing.T) {
	signer := newSigner(t, envelope.EdDSA)
	g := newIngest(t, iottest.NewLedger(signer.Key), time.Second)
	raw := packs(t, newDevice(t, signer, iottest.Origin, "probe-1", senml.FormatJWS), 1)[0]
	o, err := g.Accept(context.Background(), iot.Origin{Org: "acme", Gateway: "gw-2", Topic: "aval/1/test/acme/gw-2/up/probe-1/r"}, raw)
	if err != nil || o.Status != iot.Committed || g.Counters().GatewayMismatch != 1 {
		t.Errorf("got %+v, %v, %+v", o, err, g.Counters())
	}
}

// Goal: without a commit there is no acknowledgement, whatever the reason.
func TestNoCommitNoAcknowledgement(t *testing.T) {
	signer := newSigner(t, envelope.EdDSA)
	l := iottest.NewLedger(signer.Key)
	g := newIngest(t, l, 20*time.Millisecond)
	raw := packs(t, newDevice(t, signer, iottest.Origin, "probe-1", senml.FormatJWS), 1)[0]
	attempt := func(name string, raw []byte, want error) {
		t.Helper()
		if o, err := g.Accept(context.Background(), own("r"), raw); !errors.Is(err, want) || !reflect.DeepEqual(o, iot.Outcome{}) {
			t.Errorf("%s: got %+v, %v", name, o, err)
		}
	}
	l.Fail(1, 0)
	attempt("fault before the commit", raw, iottest.ErrFault)
	l.Fail(0, 1)
	attempt("fault after the commit", raw, iottest.ErrFault)
	l.Fail(1, 0)
	attempt("fault in quarantine", []byte("poison"), iottest.ErrFault)
	l.Stall()
	attempt("stall", raw, context.DeadlineExceeded)
	l.Resume()
	if c := g.Counters(); c.Unacknowledged != 4 || len(c.Quarantined) != 0 {
		t.Errorf("counters: %+v", c)
	}
	if o, err := g.Accept(context.Background(), own("r"), raw); err != nil || o.Status != iot.Duplicate {
		t.Errorf("repeat: got %+v, %v", o, err)
	}
	if o, err := g.Accept(context.Background(), own("r"), []byte("poison")); err != nil || o.Status != iot.Quarantined {
		t.Errorf("repeated poison: got %+v, %v", o, err)
	}
}

func TestRepeatedPoisonIsKeptOnce(t *testing.T) {
	l := iottest.NewLedger()
	g := newIngest(t, l, time.Second)
	for range 3 {
		for _, raw := range poison(25) {
			if o, err := g.Accept(context.Background(), own("r"), raw); err != nil || o.Status != iot.Quarantined {
				t.Fatalf("got %+v, %v", o, err)
			}
		}
	}
	if counts, writes := l.Quarantined(); counts[domain.Malformed] != 25 || writes != 25 {
		t.Errorf("quarantine %v in %d writes", counts, writes)
	}
	if got := g.Counters().Quarantined[domain.Malformed]; got != 75 {
		t.Errorf("counted %d", got)
	}
}

// Goal: effects of 1,2,1,2,3,1,2,3,4 are exactly 1,2,3,4.
func TestReplayPatternHasEachEffectOnce(t *testing.T) {
	signer := newSigner(t, envelope.ES256)
	l := iottest.NewLedger(signer.Key)
	g := newIngest(t, l, time.Second)
	messages := packs(t, newDevice(t, signer, iottest.Origin, "probe-1", senml.FormatCOSE), 4)
	for _, n := range []int{1, 2, 1, 2, 3, 1, 2, 3, 4} {
		if _, err := g.Accept(context.Background(), own("r"), messages[n-1]); err != nil {
			t.Fatal(err)
		}
	}
	if c := g.Counters(); c.Accepted != 4 || c.Duplicates != 5 || len(l.Committed()) != 4 {
		t.Errorf("counters: %+v", c)
	}
}

// waiting blocks every submission, so that the bound on concurrent ones shows.
type waiting struct{ entered chan struct{} }

func (w waiting) Submit(ctx context.Context, _ string, _ []byte, _ ledger.Wait) (ledger.Reply, error) {
	w.entered <- struct{}{}
	<-ctx.Done()
	return ledger.Reply{}, ctx.Err()
}

func (waiting) Quarantine(context.Context, domain.Code, []byte) error { return nil }

func TestConcurrentMessagesAreBounded(t *testing.T) {
	w := waiting{entered: make(chan struct{}, iot.MaxConcurrent)}
	g := newIngest(t, w, time.Hour)
	raw := packs(t, newDevice(t, newSigner(t, envelope.EdDSA), iottest.Origin, "probe-1", senml.FormatCOSE), 1)[0]
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range iot.MaxConcurrent {
		all.Go(func() { _, _ = g.Accept(ctx, own("r"), raw) })
	}
	for range iot.MaxConcurrent {
		<-w.entered
	}
	if _, err := g.Accept(ctx, own("r"), raw); !errors.Is(err, iot.ErrBusy) {
		t.Errorf("got %v", err)
	}
	cancel()
	all.Wait()
}

func TestTopics(t *testing.T) {
	long := strings.Repeat("n", 48)
	for _, topic := range []iot.Topic{
		{Net: "test", Org: "acme", Gateway: "gw-1", Device: "probe-1", Class: iot.Readings},
		{Net: long, Org: long, Gateway: long, Device: long, Class: iot.States},
	} {
		if got, err := iot.ParseTopic(topic.String()); err != nil || got != topic || len(topic.String()) > iot.MaxTopicBytes {
			t.Errorf("%s: got %+v, %v", topic, got, err)
		}
	}
	for _, s := range []string{
		"", "/", "aval/1/test/acme/gw-1/up/probe-1", "aval/1/test/acme/gw-1/up/probe-1/r/", "aval/2/test/acme/gw-1/up/probe-1/r",
		"Aval/1/test/acme/gw-1/up/probe-1/r", "aval/1/test/acme/gw-1/dn/probe-1/r", "aval/1/test/acme/gw-1/up/probe-1/x",
		"aval/1/test/acme/gw-1/up/probe-1/", "aval/1/test/acme/gw-1/up//r", "aval/1/test/acme/+/up/probe-1/r", "aval/1/test/acme/#",
		"aval/1/test/acme/gw.1/up/probe-1/r", "aval/1/test/acme/GW/up/probe-1/r", "aval/1/test/$sys/gw-1/up/probe-1/r",
		"aval/1/test/acme/gw 1/up/probe-1/r", "aval/1/test/acme/gw-1/up/pröbe/r", "aval/1/test/acme/gw-1/up/\xff/r",
		"aval/1/test/acme/" + long + "x/up/probe-1/r", "aval/1/test/acme/gw-1/up/" + strings.Repeat("x", 65535) + "/r",
	} {
		var refusal *domain.Rejection
		if _, err := iot.ParseTopic(s); !errors.As(err, &refusal) || refusal.Code != domain.Malformed {
			t.Errorf("%.80q: got %v", s, err)
		}
	}
	for s, want := range map[string]bool{
		"aval/1/n/o/g/dn/receipt": true, "aval/1/n/o/g/dn/time": true, "aval/1/n/o/g/dn/cmd": true, "aval/1/n/o/g/dn/+": true,
		"aval/1/n/o/g/dn/#": false, "aval/1/n/o/g/#": false, "aval/1/n/o/+/dn/receipt": false, "#": false, "+/1/n/o/g/dn/receipt": false,
		"aval/1/n/o/h/dn/receipt": false, "aval/1/n/o/g/up/d/r": false, "$share/x/aval/1/n/o/g/dn/receipt": false, "aval/1/n/o/g/dn/": false,
	} {
		if iot.IsDown(s, "n", "o", "g") != want {
			t.Errorf("%s: want %v", s, want)
		}
	}
	if !iot.IsDown(iot.ReceiptTopic("n", "o", "g"), "n", "o", "g") || !iot.IsDown(iot.DownFilter("n", "o", "g"), "n", "o", "g") {
		t.Error("a gateway may not read its own receipts")
	}
}

func TestParseReceiptRefuses(t *testing.T) {
	good := iot.Receipt{Fingerprint: strings.Repeat("A", 43), Code: domain.Malformed}
	if r, _, err := iot.ParseReceipt(good.Format()); err != nil || r != good {
		t.Errorf("got %+v, %v", r, err)
	}
	for name, raw := range map[string][]byte{
		"empty": nil, "not JSON": []byte("x"), "unknown member": []byte(`{"fingerprint":"` + good.Fingerprint + `","x":1}`),
		"short": []byte(`{"fingerprint":"AAAA"}`), "no fingerprint": []byte(`{}`), "padding": []byte(`{"fingerprint":"` + good.Fingerprint + `="}`),
		"large": bytes.Repeat([]byte(" "), iot.MaxReceiptBytes+1), "twice": append(good.Format(), good.Format()...),
	} {
		var refusal *domain.Rejection
		if _, _, err := iot.ParseReceipt(raw); !errors.As(err, &refusal) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzParseTopic(f *testing.F) {
	f.Add("aval/1/test/acme/gw-1/up/probe-1/r")
	f.Fuzz(func(t *testing.T, s string) {
		topic, err := iot.ParseTopic(s)
		var refusal *domain.Rejection
		if err == nil && topic.String() != s || err != nil && !errors.As(err, &refusal) {
			t.Fatalf("%q: %+v, %v", s, topic, err)
		}
	})
}

func FuzzParseReceipt(f *testing.F) {
	f.Add(iot.Receipt{Fingerprint: strings.Repeat("A", 43), Receipt: "x", KeyID: "k", Epoch: 1, Sequence: 2, Index: 3}.Format())
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, fingerprint, err := iot.ParseReceipt(raw)
		var refusal *domain.Rejection
		if err != nil && !errors.As(err, &refusal) || err == nil && len(fingerprint) != 32 {
			t.Fatalf("%+v, %v", r, err)
		}
	})
}

func TestNewChecksItsConfiguration(t *testing.T) {
	for name, c := range map[string]iot.Config{
		"no ledger": {Net: "test"}, "no net": {Ledger: iottest.NewLedger()}, "net with a dot": {Ledger: iottest.NewLedger(), Net: "ledger.example"},
	} {
		if _, err := iot.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func BenchmarkAccept(b *testing.B) {
	signer := newSigner(b, envelope.EdDSA)
	g := newIngest(b, iottest.NewLedger(signer.Key), time.Second)
	raw := packs(b, newDevice(b, signer, iottest.Origin, "probe-1", senml.FormatCOSE), 1)[0]
	for b.Loop() {
		if _, err := g.Accept(context.Background(), own("r"), raw); err != nil {
			b.Fatal(err)
		}
	}
}

// The engine is what an Ingest feeds.
var _ iot.Ledger = (*ledger.Engine)(nil)
