package gateway_test

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aval/domain"
	"aval/domain/envelope"
	"aval/iot"
	"aval/iot/gateway"
	"aval/iot/iottest"
	"aval/iot/senml"
)

func config(path string) gateway.Config {
	return gateway.Config{
		Broker: "tcp://127.0.0.1:1", Net: "test", Org: "acme", ID: "gw-1", Path: path,
		Verify: func([]byte, []byte) error { return errors.New("never") },
	}
}

func open(t *testing.T, c gateway.Config) *gateway.Gateway {
	t.Helper()
	g, err := gateway.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// Goal: what Put answered survives kill -9. Method: a child process puts messages and says so;
// it is killed in the middle; every message that it announced is in the store.
func TestKilledGatewayKeepsWhatItTook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	child := exec.Command(os.Args[0], "-test.run=^TestChildPuts$")
	child.Env = append(os.Environ(), "GATEWAY_STORE="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	announced := 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "put ") {
			announced++
		}
		if announced == 200 {
			_ = child.Process.Kill()
		}
	}
	_ = child.Wait()
	g := open(t, config(path))
	if pending := g.Stats().Pending; announced < 200 || pending < announced || pending > announced+1 {
		t.Errorf("%d announced, %d stored", announced, pending)
	}
}

// TestChildPuts is the child of the test above.
func TestChildPuts(t *testing.T) {
	path := os.Getenv("GATEWAY_STORE")
	if path == "" {
		t.Skip("only as a child process")
	}
	g := open(t, config(path))
	for i := 0; ; i++ {
		if err := g.Put("probe-1", iot.Readings, fmt.Appendf(nil, "message %d", i)); err != nil {
			t.Fatal(err)
		}
		fmt.Println("put", i)
	}
}

func TestPutRefuses(t *testing.T) {
	c := config(filepath.Join(t.TempDir(), "store"))
	c.MaxBytes = 1000
	g := open(t, c)
	for name, put := range map[string]func() error{
		"bad device": func() error { return g.Put("Probe", iot.Readings, []byte("x")) },
		"bad class":  func() error { return g.Put("probe-1", "x", []byte("x")) },
		"no class":   func() error { return g.Put("probe-1", "", []byte("x")) },
		"empty":      func() error { return g.Put("probe-1", iot.Readings, nil) },
		"too large":  func() error { return g.Put("probe-1", iot.Readings, make([]byte, iot.MaxMessageBytes+1)) },
	} {
		var refusal *domain.Rejection
		if err := put(); !errors.As(err, &refusal) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for range 3 {
		if err := g.Put("probe-1", iot.Readings, make([]byte, 800)); err != nil { // the same bytes: stored once
			t.Fatal(err)
		}
	}
	if err := g.Put("probe-1", iot.Readings, make([]byte, 801)); !errors.Is(err, gateway.ErrFull) {
		t.Errorf("got %v", err)
	}
	if g.Stats().Pending != 1 {
		t.Errorf("%d stored", g.Stats().Pending)
	}
}

func TestOpenChecksItsConfiguration(t *testing.T) {
	for name, change := range map[string]func(*gateway.Config){
		"net": func(c *gateway.Config) { c.Net = "a.b" }, "org": func(c *gateway.Config) { c.Org = "" }, "gateway": func(c *gateway.Config) { c.ID = "#" },
		"verify": func(c *gateway.Config) { c.Verify = nil }, "path": func(c *gateway.Config) { c.Path = "" }, "broker": func(c *gateway.Config) { c.Broker = "" },
		"folder": func(c *gateway.Config) { c.Path = filepath.Join(c.Path, "none", "store") },
	} {
		c := config(filepath.Join(t.TempDir(), "store"))
		change(&c)
		if _, err := gateway.Open(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func signer(t testing.TB) *envelope.Signer {
	t.Helper()
	s, err := envelope.NewSigner(envelope.EdDSA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDeviceChainsItsMessages(t *testing.T) {
	head := senml.Pack{Ledger: iottest.Origin, Kind: "invoice/1", Subject: "S-1", Device: "probe-1", Epoch: 5}
	at := domain.Millis(1_772_452_800_000)
	for _, format := range []string{senml.FormatJWS, senml.FormatCOSE} {
		d, err := gateway.NewDevice(signer(t), head, format)
		if err != nil {
			t.Fatal(err)
		}
		var previous []byte
		for i := range uint64(3) {
			if _, err := d.Sign(at, domain.ClockNTP, nil); err == nil {
				t.Error("signed a pack without readings")
			}
			raw, err := d.Sign(at, domain.ClockNTP, []domain.Reading{{Name: "scan", Text: "x", At: at}})
			if err != nil {
				t.Fatal(err)
			}
			codec, err := senml.Sniff(raw)
			if err != nil || codec.Format() != format {
				t.Fatalf("%v, %v", codec, err)
			}
			o, _, err := codec.Decode(raw)
			if err != nil || o.Sequence != i+1 || o.Epoch != 5 || string(o.Previous) != string(previous) {
				t.Errorf("%s: got %+v, %v", format, o, err)
			}
			previous = o.Fingerprint
		}
	}
	if _, err := gateway.NewDevice(signer(t), head, "other"); err == nil {
		t.Error("accepted an unknown format")
	}
	head.Device = "Probe"
	if _, err := gateway.NewDevice(signer(t), head, senml.FormatJWS); err == nil {
		t.Error("accepted a bad name")
	}
}

// Goal: a forged, foreign or mismatched receipt never makes a gateway forget; nor does a PUBACK.
func TestOnlyAVerifiedReceiptTrims(t *testing.T) {
	address := iottest.Mosquitto(t)
	l := iottest.NewLedger()
	c := config(filepath.Join(t.TempDir(), "store"))
	c.Broker, c.Verify, c.Resend = "tcp://"+address, l.Verify, 50*time.Millisecond
	g := open(t, c)
	if err := g.Put("probe-1", iot.Readings, []byte("message")); err != nil {
		t.Fatal(err)
	}
	run(t, g)
	p := publisher(t, address)
	iottest.Eventually(t, "it is published again and again", func() bool { return g.Stats().Published >= 3 })
	digest := digestText("message")
	for _, answer := range []string{
		"not JSON", `{"fingerprint":"` + digest + `","receipt":"forged"}`, `{"fingerprint":"AAAA","receipt":"x"}`,
	} {
		before := g.Stats().BadReceipts
		send(t, p, answer)
		iottest.Eventually(t, "the answer is judged", func() bool { return g.Stats().BadReceipts > before })
	}
	send(t, p, `{"fingerprint":"`+digestText("other")+`","receipt":"forged"}`) // of nothing that is stored
	send(t, p, `{"fingerprint":"`+digest+`","code":"malformed"}`)
	iottest.Eventually(t, "the notice is taken", func() bool { return len(g.Held()) == 1 })
	if stats := g.Stats(); stats.Pending != 1 || stats.Trimmed != 0 {
		t.Errorf("%+v", stats)
	}
}
