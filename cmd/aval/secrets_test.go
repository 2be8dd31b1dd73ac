package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math"
	"math/bits"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"aval/api/client"
	"aval/cmd/aval/node"
	"aval/contracts/flightdelay"
	"aval/contracts/invoice"
	"aval/domain"
	"aval/domain/canon"
	"aval/domain/envelope"
	"aval/iot"
	"aval/iot/gateway"
	"aval/iot/senml"
	"aval/ledger"
	"aval/ledger/sqlite"
)

// The words and amounts of the secrets test: none may leave the process in clear.
const (
	secretBuyer     domain.PartyID = "quastenflosser-kg"
	secretSupplier  domain.PartyID = "nachtigall-weinhandel"
	secretInsurer   domain.PartyID = "zwergfalke-versicherung"
	secretFrame                    = "rahmenvertrag-4yq"
	secretShipment                 = "fuhre-8kx-anno"
	secretNumber                   = "RG-77120-3"
	secretFlight                   = "8317"
	secretWord                     = "hunter2-correct-horse"
	secretScan                     = "SCANQ7WX2"
	secretPassenger                = "Zwiebelschmied-Ottokar"
	secretAPIKey                   = "k7-quelle-schluessel"
	// Where the goods are to go, in 1e-7 degrees.
	secretLatitude  = 531_297_645
	secretLongitude = 108_643_219
	secretFunds     = 918_273_645_91
	secretPayable   = 637_281_945_31
)

// TestNothingPrivateLeaves lives a day with a node that runs as a process and speaks TLS: what parties, sensors, attackers and
// failing services do, an export, a backup, a crash. Then it searches everything that left the process for names, amounts,
// texts, tokens and keys: log, metrics, profiles, answers to others, every file that was there at any time, also deleted ones
// that were held open, and every byte on its ports.
func TestNothingPrivateLeaves(t *testing.T) {
	h := newHouse(t)
	ports := freePorts(t, 5)
	source := h.source(t, ports[portSource])
	h.configure(t, map[string]any{
		"ledger": origin, "listen": "127.0.0.1:" + ports[0], "admin": "127.0.0.1:" + ports[1], "requireTls": true,
		"broker": map[string]any{"listen": "127.0.0.1:" + ports[portBroker], "tls": true, "net": "main", "anonymousOrg": "trader-0", "gateways": []any{}},
		"oracle": map[string]any{"url": "https://127.0.0.1:" + ports[portSource] + "/aeroapi", "keyFile": source.keyFile, "source": "flights-1"},
	})
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	n := h.start(t)
	s := &secrets{house: h, left: map[string][]byte{}, planted: map[string][]byte{}}
	day := eavesdrop(t, ports)
	var pid atomic.Int64
	pid.Store(int64(n.command.Process.Pid))
	watched := watch([]string{h.dir, temporary}, func() string { return fmt.Sprintf("/proc/%d/fd", pid.Load()) })
	s.join(t)
	s.trade(t)
	s.insure(t)
	s.confide(t)
	n.kill() // a crash
	s.left["log of the crashed node"] = []byte(n.stderr.String())
	n = h.start(t)
	pid.Store(int64(n.command.Process.Pid))
	s.sense(t)
	s.read(t)
	s.export(t)
	waitFor(t, "the oracle to have asked", source.wasAsked)
	s.heard(t, day, ports, bothWays)
	night := eavesdrop(t, ports)
	s.attack(t)
	s.plant(t, watched, temporary)
	for _, path := range []string{"/metrics", "/hardening", "/debug/pprof/goroutine?debug=1", "/debug/pprof/heap?debug=1"} {
		s.left["admin "+path] = fetch(t, h.admin+path, "")
	}
	s.heard(t, night, ports, fromNode)
	waitFor(t, "the oracle to have failed", func() bool { return strings.Contains(n.stderr.String(), "msg=oracle") })
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	s.left["log"], s.left["output"] = []byte(n.stderr.String()), []byte(n.stdout.String())
	s.files(t)
	for name, content := range watched.halt() {
		s.sort("watched file "+name, content)
	}
	s.search(t)
	if len(s.left["log"]) < 1000 || len(s.left["file ledger.db"]) < 1000 || len(s.left["watched file "+filepath.Join(h.dir, "ledger.db-wal")]) < 1000 {
		t.Error("there is no log, no database or no write-ahead log to search")
	}
	s.sizes(t)
	s.asked(t, source)
	h.verify(t)
}

// The ports that are recorded, in order: the API's, that of metrics, of MQTT, of the data source, and one of the test's own, over which it sends a canary in clear.
const (
	portAPI = iota
	portAdmin
	portBroker
	portSource
	portPlanted
)

// source is a data source that the oracle asks, and that fails.
type source struct {
	keyFile string
	mu      sync.Mutex
	asked   []byte
}

// source serves by TLS under a certificate that the node trusts, and keeps what it is asked.
func (h *house) source(t *testing.T, port string) *source {
	t.Helper()
	s := &source{keyFile: filepath.Join(t.TempDir(), "aeroapi.key")}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := httputil.DumpRequest(r, true)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(append(s.asked, request...), 0)
		http.Error(w, fmt.Sprintf("%s: not now, %v", r.URL, err), http.StatusInternalServerError)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	server.Listener.Close()
	server.Listener = listener
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := filepath.Join(h.dir, "roots.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := errors.Join(os.WriteFile(roots, certificate, 0o600), os.WriteFile(s.keyFile, []byte(secretAPIKey), 0o600)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", roots)
	return s
}

func (s *source) wasAsked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked) > 0
}

// asked wants the source to have been told the flight and the key that is for it, and nothing else.
func (s *secrets) asked(t *testing.T, from *source) {
	from.mu.Lock()
	defer from.mu.Unlock()
	if s.sourced < 1000 && s.recorded {
		t.Errorf("%d bytes only were recorded between the oracle and its source", s.sourced)
	}
	text := string(from.asked)
	for _, its := range []string{"Q7" + secretFlight, secretAPIKey} {
		if !strings.Contains(text, its) {
			t.Errorf("the oracle did not send %s: %.300q", its, text)
		}
		text = strings.ReplaceAll(text, its, "")
	}
	for name, canary := range s.canaries(t) {
		if strings.Contains(text, string(canary)) {
			t.Errorf("the oracle tells the source %s", name)
		}
	}
}

// sizes wants every sealed body on disk to be of a size class: a multiple of 128 bytes, of more for larger ones (ADR 0026), beside epoch, nonce and tag.
func (s *secrets) sizes(t *testing.T) {
	archive, err := sqlite.OpenSnapshot(filepath.Join(s.dir, "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	seen, values := map[int]int{}, 0
	const sealed, underEpoch = 24 + 16, 4 // nonce and tag; the number of the ledger key before them
	err = errors.Join(
		archive.Entries(0, math.MaxInt32, func(e ledger.StoredEntry) error {
			if len(e.Body) > 0 { // the seals of batches have none
				seen[len(e.Body)-sealed-underEpoch]++
			}
			return nil
		}),
		archive.Messages(func(m ledger.StoredMessage) error { seen[len(m.Body)-sealed-underEpoch]++; return nil }),
		archive.Private(ledger.PrivateQuery{To: math.MaxInt32}, func(p ledger.StoredPrivate) error { seen[len(p.Body)-sealed]++; values++; return nil }),
	)
	if err != nil || len(seen) < 2 || values < 1 {
		t.Fatalf("sizes %v, %d of them of private values, %v", seen, values, err)
	}
	for size, bodies := range seen {
		exponent := bits.Len(uint(size)) - 1
		if step := max(128, 1<<max(0, exponent-bits.Len(uint(exponent)))); size%step != 0 {
			t.Errorf("%d bodies of %d bytes: no size class", bodies, size)
		}
	}
}

// search wants no canary in what was left, and one in everything that was planted: else it would find nothing anywhere.
func (s *secrets) search(t *testing.T) {
	canaries := s.canaries(t)
	found := func(text []byte) (names []string) {
		for name, canary := range canaries {
			if bytes.Contains(text, canary) {
				names = append(names, name)
			}
		}
		return names
	}
	for what, text := range s.left {
		for _, name := range found(text) {
			t.Errorf("%s holds %s", what, name)
		}
	}
	s.planted["a line of the log"] = append([]byte(s.left["log"]), "level=INFO msg=sold to="+secretBuyer...)
	for what, text := range s.planted {
		if len(found(text)) == 0 {
			t.Errorf("%s, %d bytes, was planted and is not found", what, len(text))
		}
	}
}

// plantedFile is the name of the file that is planted.
const plantedFile = "planted.tmp"

// plant makes a temporary file with a canary, and takes it away again.
func (s *secrets) plant(t *testing.T, w *watcher, folder string) {
	path := filepath.Join(folder, plantedFile)
	if err := os.WriteFile(path, []byte("sold to "+secretBuyer), 0o600); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "a look at the planted file", func() bool { return w.has(path) })
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// sort tells what was planted from what was left.
func (s *secrets) sort(what string, content []byte) {
	if strings.Contains(what, plantedFile) {
		s.planted[what] = content
		return
	}
	s.left[what] = content
}

// heard takes what passed over the ports, either both ways or from the node only: attackers send
// secrets in clear themselves. One port more shows that all of it was recorded.
func (s *secrets) heard(t *testing.T, w *wire, ports []string, direction string) {
	if w == nil {
		return
	}
	s.recorded = true
	s.sendPlanted(t, ports[portPlanted])
	w.catchUp(t, ports[portAdmin])
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	for port, least := range map[string]int{ports[portAPI]: 1000, ports[portAdmin]: 0, ports[portBroker]: 1000, ports[portSource]: 0} {
		direction := direction
		if port == ports[portSource] {
			direction = bothWays // the node is the client, and nobody attacks
		}
		payload := w.payloads(t, port, direction)
		if len(payload) < least {
			t.Errorf("port %s %s: %d bytes only were recorded", port, direction, len(payload))
		}
		if port == ports[portSource] {
			s.sourced += len(payload)
		}
		s.left["bytes on port "+port+" "+direction] = payload
	}
	s.planted["bytes on a port, in clear"] = w.payloads(t, ports[portPlanted], bothWays)
}

// sendPlanted sends a canary in clear over a port that is recorded.
func (s *secrets) sendPlanted(t *testing.T, port string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c, err := net.Dial("tcp", listener.Addr().String())
	if err == nil {
		_, err = io.WriteString(c, "sold to "+string(secretBuyer))
		err = errors.Join(err, c.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	taken, err := listener.Accept()
	if err == nil {
		_, err = io.Copy(io.Discard, taken)
		err = errors.Join(err, taken.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// export writes a backup and the public log beside the running node.
func (s *secrets) export(t *testing.T) {
	out := t.TempDir()
	for _, args := range [][]string{{"export", "--without-governance", s.dir, filepath.Join(out, "backup.aval")}, {"export", "--log", s.dir, filepath.Join(out, "log")}} {
		text, err := exec.Command("aval", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		s.left["aval "+strings.Join(args[:2], " ")] = text
	}
	s.walk(t, out, "exported ")
}

// secrets is what a house leaves behind.
type secrets struct {
	*house
	// left is everything that left the process, by where it was found.
	left map[string][]byte
	// planted are leaks that the search must find.
	planted map[string][]byte
	// tokens are read tokens that were used.
	tokens [][]byte
	// sourced is how many bytes passed between oracle and source.
	sourced  int
	recorded bool
	// confided is the disclosure of a private value.
	confided []byte
}

// canaries are what must not be found, by a name that a failure may show.
func (s *secrets) canaries(t *testing.T) map[string][]byte {
	all := map[string][]byte{}
	for _, word := range []string{
		string(secretBuyer), string(secretSupplier), string(secretInsurer), secretFrame, secretShipment, secretNumber, secretWord, secretScan, secretPassenger, secretAPIKey,
		"Q7-" + secretFlight, "Q7" + secretFlight,
	} {
		all[word] = []byte(word)
		all[word+" in base64"] = []byte(base64.RawURLEncoding.EncodeToString([]byte(word))[:len(word)]) // whole groups of it
	}
	for _, degrees := range []int64{secretLatitude, secretLongitude} {
		text := fmt.Sprintf("%d.%07d", degrees/1e7, degrees%1e7)
		all[text] = []byte(text)
	}
	for _, amount := range []int64{secretFunds, secretPayable, secretLatitude, secretLongitude} {
		encoded, err := canon.Marshal(amount)
		if err != nil {
			t.Fatal(err)
		}
		all[fmt.Sprint(amount)], all[fmt.Sprint(amount)+" as CBOR"] = []byte(fmt.Sprint(amount)), encoded
	}
	all["disclosure"] = s.confided
	for i, token := range s.tokens {
		all[fmt.Sprintf("signature of token %d", i)] = token[bytes.LastIndexByte(token, '.')+1:]
	}
	for name, signer := range s.keys {
		text, err := signer.Format()
		if err != nil {
			t.Fatal(err)
		}
		var private struct{ D string }
		if err := json.Unmarshal(text, &private); err != nil || private.D == "" {
			t.Fatal("a key file without its private half")
		}
		raw, _ := base64.RawURLEncoding.DecodeString(private.D)
		all["key of "+string(name)], all["raw key of "+string(name)] = []byte(private.D), raw
	}
	folder, err := node.OpenFolder(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	all["log key"], all["index key"], all["salt"] = []byte(folder.Keys.LogSigner), folder.Keys.Index, folder.Keys.Salt
	all["body key"] = folder.Keys.Epochs[0].Key
	return all
}

// join registers the parties whose names are secret.
func (s *secrets) join(t *testing.T) {
	for id, role := range map[domain.PartyID]domain.Role{
		secretBuyer: domain.RoleBuyer, secretSupplier: domain.RoleSupplier, secretInsurer: domain.RoleInsurer,
	} {
		signer, err := envelope.NewSigner(envelope.ES256, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		s.keys[id] = signer
		s.must(t, "member", domain.GovernanceKind, string(id), "registerParty", map[string]any{
			"party": id, "roles": []domain.Role{role}, "keys": []node.PublicKey{node.Public(signer.Key)},
		})
	}
	for _, id := range []domain.PartyID{secretBuyer, secretInsurer} {
		body := cents(id, secretFunds)
		body["reference"] = secretWord
		s.must(t, "bank", domain.CashKind, "bank", "issue", body)
	}
}

// trade opens a shipment and lets a few commands be refused.
func (s *secrets) trade(t *testing.T) {
	now := domain.Millis(time.Now().UnixMilli())
	terms := invoice.Terms{
		Supplier: secretSupplier, Buyer: secretBuyer, Operators: []domain.PartyID{"trader-0"}, Currency: "EUR", MaxPayable: secretFunds,
		ExpiresAt: now + invoice.Day, Triggers: []invoice.Trigger{invoice.Delivered},
		Delivery: invoice.Delivery{Proof: invoice.ByAny, WithinMillis: invoice.Day / 24, Fence: &invoice.Fence{
			Latitude: secretLatitude, Longitude: secretLongitude, RadiusMetres: 200, Readings: 2, DwellMillis: 1000,
		}},
		Sampling:         invoice.Sampling{IntervalMillis: 1000, MaxGapMillis: 1000, WaitMillis: 1000},
		InspectionMillis: invoice.Day, ResponseMillis: invoice.Day, SilencePercent: "50", DisputePercent: "50",
	}
	hash, err := terms.Hash()
	if err != nil {
		t.Fatal(err)
	}
	payable := domain.Money{Minor: secretPayable, Currency: "EUR"}
	s.must(t, secretSupplier, invoice.Kind, secretFrame, "propose", invoice.Proposal{Terms: terms, AnswerBy: now + invoice.Day})
	s.refused(t, secretBuyer, invoice.Kind, secretFrame, "agree", invoice.Agreeing{TermsHash: secretWord})
	s.must(t, secretBuyer, invoice.Kind, secretFrame, "agree", invoice.Agreeing{TermsHash: hash})
	s.must(t, secretBuyer, invoice.Kind, secretFrame, "fund", invoice.Funding{Amount: payable})
	s.must(t, secretSupplier, invoice.Kind, secretShipment, "ship", invoice.Opening{
		Agreement: secretFrame, Number: secretNumber, Payable: payable, Devices: []string{"sensor-1"}, SSCC: "106141411234567897",
	})
	s.refused(t, secretBuyer, domain.CashKind, "bank", "transfer", cents(secretSupplier, secretFunds)) // more than is left
	s.refused(t, secretSupplier, invoice.Kind, secretShipment, "accept", map[string]any{secretWord: secretFunds})
}

// insure binds a policy, so that the oracle asks for the flight.
func (s *secrets) insure(t *testing.T) {
	folder, err := node.OpenFolder(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	s.must(t, "member", domain.GovernanceKind, "flights-1", "registerSource", map[string]any{
		"source": "flights-1", "operator": secretInsurer, "family": "flightaware", "key": node.Public(folder.Oracle.Key),
	})
	terms := flightdelay.ReferenceTerms("flights-1")
	terms.Payouts.Currency = "EUR"
	terms.Polls = []flightdelay.Poll{{Anchor: "out", OffsetMinutes: -7 * 24 * 60, EveryMinutes: 1}}
	out := time.Now().Add(48 * time.Hour).UTC()
	leg := flightdelay.Leg{
		Carrier: "Q7", Number: secretFlight, Origin: "XAA", Destination: "XAB", Date: out.Format(time.DateOnly),
		ScheduledOut: domain.Millis(out.UnixMilli()), ScheduledIn: domain.Millis(out.UnixMilli()) + 3_600_000,
	}
	s.must(t, secretInsurer, flightdelay.Kind, "cover-1", "offer", flightdelay.Offer{Terms: terms})
	s.must(t, secretInsurer, flightdelay.Kind, "cover-1", "reserve", flightdelay.Amount{Amount: domain.Money{Minor: secretPayable, Currency: "EUR"}})
	premium := domain.Money{Minor: terms.Payouts.Premium, Currency: "EUR"}
	s.must(t, secretBuyer, flightdelay.Kind, "policy-1", "bind", flightdelay.Bind{Product: "cover-1", Leg: leg, Premium: premium})
}

// confide sends a private value, reads it back, and does what must be refused with it.
func (s *secrets) confide(t *testing.T) {
	command, disclosures, err := envelope.Attach(domain.Command{
		Ledger: origin, Kind: domain.CashKind, Contract: "bank", Name: "transfer", Body: json.RawMessage(`{"to":"trader-3","amount":{"minor":1,"currency":"EUR"}}`),
	}, []envelope.Value{{Subject: secretBuyer, Readers: []domain.PartyID{secretInsurer}, Name: "passenger", Value: json.RawMessage(`"` + secretPassenger + `"`)}}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s.confided = disclosures[0]
	jws, err := client.Sign(s.keys[secretBuyer], command, time.Now(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	c := s.client(t, nil)
	for _, wrong := range [][]byte{envelope.Join(jws, disclosures[0], disclosures[0]), append(envelope.Join(jws, disclosures[0]), disclosures[0]...)} {
		if _, err := c.Submit(t.Context(), wrong, ledger.ForReceipt); err == nil {
			t.Error("a disclosure too many was taken")
		}
	}
	if _, err := c.Submit(t.Context(), envelope.Join(jws, disclosures...), ledger.ForReceipt); err != nil {
		t.Fatal(err)
	}
	path := s.api + "/v1/private/" + command.Private[0].Digest
	if mine := fetch(t, path, s.token(t, secretInsurer)); !bytes.Contains(mine, []byte(secretPassenger)) {
		t.Errorf("a reader gets %s", mine)
	}
	s.left["another party's private value"] = fetch(t, path, s.token(t, "trader-3"))
	s.left["nobody's private value"] = fetch(t, path, "")
}

// refused submits what must be refused, after it was ordered.
func (s *secrets) refused(t *testing.T, as domain.PartyID, kind domain.Kind, contract, name string, body any) {
	jws, _ := s.sign(t, s.keys[as], kind, contract, name, body)
	if reply, err := s.client(t, nil).Submit(t.Context(), jws, ledger.ForReceipt); err == nil || reply.ID == "" {
		t.Errorf("%s: %v, want a refusal that was logged", name, err)
	}
}

// sense sends a message that counts, one about a shipment of nobody, and one under a key that nobody knows.
func (s *secrets) sense(t *testing.T) {
	stranger, err := envelope.NewSigner(envelope.EdDSA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.Open(gateway.Config{
		Broker: s.broker, Net: "main", Org: "trader-0", ID: "gw-1", Path: filepath.Join(t.TempDir(), "gw.wal"), Verify: gateway.VerifyUnder(s.policy),
		TLS: anyBroker(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct {
		signer  *envelope.Signer
		subject string
	}{{s.keys["sensor-1"], secretShipment}, {s.keys["sensor-1"], secretFrame}, {stranger, secretShipment}} {
		device, err := gateway.NewDevice(m.signer, senml.Pack{Ledger: origin, Kind: invoice.Kind, Subject: m.subject, Device: "sensor-1", Epoch: 1}, senml.FormatJWS)
		if err != nil {
			t.Fatal(err)
		}
		now := domain.Millis(time.Now().UnixMilli())
		raw, err := device.Sign(now, domain.ClockRTC, []domain.Reading{
			{Name: "scan", Text: secretScan, At: now},
			{Name: "latitude", Unit: "lat", Value: secretLatitude, Scale: 7, At: now},
			{Name: "longitude", Unit: "lon", Value: secretLongitude, Scale: 7, At: now},
		})
		if err == nil {
			err = g.Put("sensor-1", iot.Readings, raw)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	running := make(chan error, 1)
	go func() { running <- g.Run(ctx) }()
	waitFor(t, "two receipts and a notice", func() bool { return g.Stats().Trimmed == 2 && len(g.Held()) == 1 })
	cancel()
	if err := <-running; err != nil {
		t.Error(err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

// read lets a party read what is its own, and another what is not.
func (s *secrets) read(t *testing.T) {
	own, other := s.token(t, secretBuyer), s.token(t, "trader-3")
	shipment, bill := "/v1/contracts/invoice:1:shipment:"+secretShipment, "/v1/contracts/invoice:1:invoice:"+secretShipment
	for path, shows := range map[string]string{
		shipment: secretFrame, bill: secretNumber, bill + "/events": secretNumber, "/v1/accounts": string(secretBuyer), "/v1/contracts": secretFrame,
	} {
		if mine := fetch(t, s.api+path, own); !bytes.Contains(mine, []byte(shows)) {
			t.Errorf("the buyer does not see %s in %s", shows, path)
		}
		s.left["another party's "+path] = fetch(t, s.api+path, other)
	}
}

func (s *secrets) token(t *testing.T, as domain.PartyID) string {
	token, err := envelope.SealToken(s.keys[as], origin, domain.Millis(time.Now().UnixMilli()))
	if err != nil {
		t.Fatal(err)
	}
	s.tokens = append(s.tokens, token)
	return string(token)
}

// attack does what a careless or hostile client does: secrets in the wrong places, garbage,
// connections that say nothing sensible.
func (s *secrets) attack(t *testing.T) {
	token := s.token(t, secretBuyer)
	for _, path := range []string{"/v1/accounts?token=" + token, "/" + secretWord, "/v1/contracts/" + secretWord, "/v1/receipts/" + secretWord, "/v1/accounts/%zz" + secretWord} {
		s.left["answer to "+path[:10]] = fetch(t, s.api+path, "")
		fetch(t, s.api+path, secretWord)
	}
	response, err := anyKey.Post(s.api+"/v1/commands", "application/jose", strings.NewReader(secretWord))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	for _, address := range []string{s.api, s.admin, s.broker} {
		garbage(t, address, "GET /"+secretWord+" HTTP/1.1\r\nHost: "+secretWord+"\r\nAuthorization Bearer "+token+"\r\n\r\n")
		garbage(t, address, "\x16\x03\x01"+secretWord)
	}
	o := mqtt.NewClientOptions().AddBroker(s.broker).SetClientID("gw-9").SetUsername(secretWord).SetPassword(secretWord).SetAutoReconnect(false).SetTLSConfig(anyBroker())
	c := mqtt.NewClient(o)
	if c.Connect().WaitTimeout(patience) {
		c.Publish("aval/1/main/"+string(secretBuyer)+"/gw-9/up/sensor-1/r", 1, false, secretWord).WaitTimeout(time.Second)
		c.Disconnect(0)
	}
	// The command line tells its own user what is wrong, without the key or the token.
	path := filepath.Join(t.TempDir(), "buyer.jwk")
	text, err := s.keys[secretBuyer].Format()
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"get", "--node", s.api, "--key", path, "/v1/nothing"}, {"get", "--node", "http://127.0.0.1:1", "--timeout", "100ms", "--key", path, "/v1/accounts"},
		{"get", "--node", s.admin, "--ledger", origin, "--key", path, "/v1/accounts"}, {"key", "show", path}, {"key", "new", path}, {"submit", "--node", s.api, "--key", path, path},
	} {
		out, _ := exec.Command("aval", args...).CombinedOutput() // most of these fail
		s.left["aval "+strings.Join(args[:2], " ")+" "+args[len(args)-1]] = out
	}
}

// anyBroker takes any key of a broker.
func anyBroker() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// anyKey takes any key of a server: who it is does not matter here.
var anyKey = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}

func fetch(t *testing.T, url, token string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil { // net/http refuses to send it
		return nil
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := anyKey.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// garbage sends bytes to a port and waits for whatever comes back, or for nothing.
func garbage(t *testing.T, address, text string) {
	t.Helper()
	_, host, _ := strings.Cut(address, "://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(200 * time.Millisecond))
	_, _ = io.WriteString(conn, text)
	_, _ = io.Copy(io.Discard, conn)
}

// files collects what lies in the node's folder.
func (s *secrets) files(t *testing.T) { s.walk(t, s.dir, "file ") }

func (s *secrets) walk(t *testing.T, dir, prefix string) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		s.left[prefix+name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never came: %s", what)
		}
	}
}
