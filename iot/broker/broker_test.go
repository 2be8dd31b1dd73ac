package broker_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"aval/domain"
	"aval/domain/envelope"
	"aval/iot"
	"aval/iot/broker"
	"aval/iot/iottest"
	"aval/iot/senml"
)

type site struct {
	ledger *iottest.Ledger
	ingest *iot.Ingest
	broker *broker.Broker
	signer *envelope.Signer
}

func start(t *testing.T, c broker.Config, timeout time.Duration) site {
	t.Helper()
	signer, err := envelope.NewSigner(envelope.EdDSA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := site{ledger: iottest.NewLedger(signer.Key), signer: signer}
	if s.ingest, err = iot.New(iot.Config{Ledger: s.ledger, Net: "test", Timeout: timeout}); err != nil {
		t.Fatal(err)
	}
	c.Address = "127.0.0.1:0"
	if s.broker, err = broker.New(c, s.ingest); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.broker.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return s
}

func listed() broker.Config {
	return broker.Config{Clients: []broker.Client{{Org: "acme", Gateway: "gw-1", Password: "one"}, {Org: "acme", Gateway: "gw-2", Password: "two"}}}
}

func (s site) message(t *testing.T, sequence uint64) []byte {
	t.Helper()
	p := senml.Pack{
		Ledger: iottest.Origin, Kind: "invoice/1", Subject: "S-1", Device: "probe-1", Epoch: 1, Sequence: sequence, Clock: domain.ClockNTP,
		Readings: []domain.Reading{{Name: "scan", Text: "x", At: 1_772_452_800_000}},
	}
	if sequence > 1 {
		p.Previous = make([]byte, 32)
	}
	raw, err := senml.SealCOSE(s.signer, p)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// client is a plain MQTT client that keeps what it was sent and notices when it is cut off.
type client struct {
	mqtt.Client
	lost chan struct{}
	mu   sync.Mutex
	got  []string
}

func (s site) client(id, user, password string, change ...func(*mqtt.ClientOptions)) *client {
	c := &client{lost: make(chan struct{})}
	o := mqtt.NewClientOptions().AddBroker("tcp://" + s.broker.Address()).SetClientID(id).SetUsername(user).SetPassword(password)
	o.SetAutoReconnect(false).SetConnectTimeout(5 * time.Second).SetProtocolVersion(4)
	o.SetConnectionLostHandler(func(mqtt.Client, error) { close(c.lost) })
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.got = append(c.got, m.Topic())
	})
	for _, f := range change {
		f(o)
	}
	c.Client = mqtt.NewClient(o)
	return c
}

func finish(token mqtt.Token) error {
	if !token.WaitTimeout(10 * time.Second) {
		return fmt.Errorf("no answer")
	}
	return token.Error()
}

func (s site) connect(t *testing.T, gateway, password string, change ...func(*mqtt.ClientOptions)) *client {
	t.Helper()
	c := s.client(gateway, gateway, password, change...)
	if err := finish(c.Connect()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Disconnect(50) })
	return c
}

const ownTopic = "aval/1/test/acme/gw-1/up/probe-1/r"

func TestWhoMayConnect(t *testing.T) {
	s := start(t, listed(), time.Second)
	will := func(topic string, retain bool) func(*mqtt.ClientOptions) {
		return func(o *mqtt.ClientOptions) { o.SetWill(topic, "gone", 1, retain) }
	}
	for name, c := range map[string]struct {
		client *client
		ok     bool
	}{
		"own password":            {s.client("gw-1", "gw-1", "one"), true},
		"wrong password":          {s.client("gw-1", "gw-1", "two"), false},
		"no password":             {s.client("gw-1", "", ""), false},
		"another's client ID":     {s.client("gw-2", "gw-1", "one"), false},
		"another's user name":     {s.client("gw-1", "gw-2", "one"), false},
		"not listed":              {s.client("gw-9", "gw-9", "one"), false},
		"no client ID":            {s.client("", "gw-1", "one"), false},
		"wildcard ID":             {s.client("+", "+", "one"), false},
		"slash in ID":             {s.client("gw/1", "gw/1", "one"), false},
		"long ID":                 {s.client(strings.Repeat("g", 65535), "g", "one"), false},
		"the library's own ID":    {s.client("inline", "inline", ""), false},
		"will on own state":       {s.client("gw-1", "gw-1", "one", will("aval/1/test/acme/gw-1/up/gw-1/s", false)), true},
		"will on own readings":    {s.client("gw-1", "gw-1", "one", will(ownTopic, false)), false},
		"will on another's down":  {s.client("gw-1", "gw-1", "one", will("aval/1/test/acme/gw-2/dn/receipt", false)), false},
		"will on another's state": {s.client("gw-1", "gw-1", "one", will("aval/1/test/acme/gw-2/up/gw-2/s", false)), false},
		"retained will":           {s.client("gw-1", "gw-1", "one", will("aval/1/test/acme/gw-1/up/gw-1/s", true)), false},
	} {
		err := finish(c.client.Connect())
		if err == nil { // the library gives no error for a refusal code that it does not know
			err = finish(c.client.Subscribe("aval/1/test/acme/gw-1/dn/cmd", 1, nil))
		}
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		c.client.Disconnect(50)
	}
}

func TestNobodyTakesOverAnothersSession(t *testing.T) {
	s := start(t, listed(), time.Second)
	victim := s.connect(t, "gw-1", "one")
	if finish(s.client("gw-1", "gw-2", "two").Connect()) == nil {
		t.Error("connected under another's client ID")
	}
	if err := finish(victim.Publish(ownTopic, 1, false, s.message(t, 1))); err != nil || !victim.IsConnectionOpen() {
		t.Errorf("the victim lost its session: %v", err)
	}
}

func TestAnonymousOnlyWhenSet(t *testing.T) {
	c := listed()
	c.AnonymousOrg = "demo"
	s := start(t, c, time.Second)
	visitor := s.connect(t, "gw-7", "")
	if err := finish(visitor.Publish("aval/1/test/demo/gw-7/up/probe-1/r", 1, false, s.message(t, 1))); err != nil {
		t.Error(err)
	}
	if finish(s.client("gw-1", "", "").Connect()) == nil {
		t.Error("an anonymous client connected as a listed gateway")
	}
	if finish(s.client("inline", "", "").Connect()) == nil {
		t.Error("an anonymous client connected as the library's own")
	}
	if len(s.ledger.Committed()) != 1 {
		t.Error("not committed")
	}
}

func TestPublishBeyondOwnTopicsIsCutOff(t *testing.T) {
	for _, topic := range []string{
		"aval/1/test/acme/gw-2/up/probe-1/r", "aval/1/test/evil/gw-1/up/probe-1/r", "aval/1/prod/acme/gw-1/up/probe-1/r",
		"aval/1/test/acme/gw-1/dn/receipt", "aval/1/test/acme/gw-2/dn/receipt", "other", "aval/1/test/acme/gw-1/up/probe-1/r/x",
	} {
		s := start(t, listed(), time.Second)
		c := s.connect(t, "gw-1", "one")
		token := c.Publish(topic, 1, false, s.message(t, 1))
		select {
		case <-c.lost:
		case <-time.After(10 * time.Second):
			t.Errorf("%s: still connected", topic)
		}
		if len(s.ledger.Committed()) != 0 {
			t.Errorf("%s: committed", topic)
		}
		_ = token
	}
}

func TestSubscribeOwnDownOnly(t *testing.T) {
	s := start(t, listed(), time.Second)
	c := s.connect(t, "gw-1", "one")
	for filter, ok := range map[string]bool{
		"aval/1/test/acme/gw-1/dn/receipt": true, "aval/1/test/acme/gw-1/dn/+": true, "aval/1/test/acme/gw-1/dn/time": true,
		"aval/1/test/acme/gw-2/dn/receipt": false, "aval/1/test/acme/+/dn/receipt": false, "#": false, "$SYS/#": false,
		"aval/1/test/acme/gw-1/up/#": false, "$share/a/aval/1/test/acme/gw-1/dn/receipt": false,
	} {
		token := c.Subscribe(filter, 1, nil)
		if err := finish(token); err != nil {
			t.Fatal(err)
		}
		for _, code := range token.(*mqtt.SubscribeToken).Result() { // one filter, one code
			if granted := code != 0x80; granted != ok {
				t.Errorf("%s: granted %v", filter, granted)
			}
		}
	}
}

func TestReceiptsGoToTheirGatewayOnly(t *testing.T) {
	s := start(t, listed(), time.Second)
	one, two := s.connect(t, "gw-1", "one"), s.connect(t, "gw-2", "two")
	for _, c := range []*client{one, two} {
		id := map[*client]string{one: "gw-1", two: "gw-2"}[c]
		if err := finish(c.Subscribe("aval/1/test/acme/"+id+"/dn/receipt", 1, nil)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second is a duplicate, and answered as well
		if err := finish(one.Publish(ownTopic, 1, false, s.message(t, 1))); err != nil {
			t.Fatal(err)
		}
	}
	iottest.Eventually(t, "two receipts", func() bool {
		one.mu.Lock()
		defer one.mu.Unlock()
		return len(one.got) == 2
	})
	two.mu.Lock()
	defer two.mu.Unlock()
	if len(two.got) != 0 {
		t.Errorf("gateway 2 was sent %v", two.got)
	}
}

// Goal: the PUBACK says that the message is durable, so there is none before.
func TestNoPubackWithoutCommit(t *testing.T) {
	s := start(t, listed(), 50*time.Millisecond)
	c := s.connect(t, "gw-1", "one")
	s.ledger.Stall()
	first := c.Publish(ownTopic, 1, false, s.message(t, 1))
	iottest.Eventually(t, "the commit is given up", func() bool { return s.ingest.Counters().Unacknowledged == 1 })
	if err := finish(c.Subscribe("aval/1/test/acme/gw-1/dn/time", 0, nil)); err != nil { // a later packet is answered
		t.Fatal(err)
	}
	select {
	case <-first.Done():
		t.Error("acknowledged without a commit")
	default:
	}
	if !c.IsConnectionOpen() || len(s.ledger.Committed()) != 0 {
		t.Error("the connection was lost, or something was committed")
	}
	s.ledger.Resume()
	// Within StallPause publishes are refused at once; after it they are committed, and the
	// client is sent away to repeat what it has no PUBACK for.
	iottest.Eventually(t, "the flow is back", func() bool {
		c.Publish(ownTopic, 1, false, s.message(t, 2))
		return len(s.ledger.Committed()) == 1
	})
	select {
	case <-c.lost:
	case <-time.After(10 * time.Second):
		t.Error("a client with an unacknowledged message was not sent away")
	}
}

func TestRetainedEvidenceIsRefused(t *testing.T) {
	s := start(t, listed(), time.Second)
	c := s.connect(t, "gw-1", "one")
	if err := finish(c.Publish("aval/1/test/acme/gw-1/up/gw-1/s", 1, true, "online")); err != nil {
		t.Error(err)
	}
	c.Publish(ownTopic, 1, true, s.message(t, 1))
	select {
	case <-c.lost:
	case <-time.After(10 * time.Second):
		t.Error("still connected")
	}
	if counts := s.ingest.Counters(); counts.Retained != 1 || counts.States != 1 || len(s.ledger.Committed()) != 0 {
		t.Errorf("counters: %+v", counts)
	}
}

func TestPoisonDoesNotStopTheStream(t *testing.T) {
	s := start(t, listed(), time.Second)
	c := s.connect(t, "gw-1", "one")
	for i := range 25 {
		if err := finish(c.Publish(ownTopic, 1, false, fmt.Sprintf("poison %d", i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := finish(c.Publish(ownTopic, 1, false, s.message(t, 1))); err != nil {
		t.Fatal(err)
	}
	if counts, _ := s.ledger.Quarantined(); counts[domain.Malformed] != 25 || len(s.ledger.Committed()) != 1 {
		t.Errorf("quarantine %v", counts)
	}
}

// raw speaks to the broker below MQTT libraries and says whether it was hung up on.
func hungUp(t *testing.T, s site, bytes []byte) bool {
	t.Helper()
	conn, err := net.Dial("tcp", s.broker.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(bytes); err != nil {
		return true
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err = conn.Read(make([]byte, 1))
	return err == io.EOF || err != nil && !err.(net.Error).Timeout()
}

func TestHugeAndWildPacketsAreHungUpOn(t *testing.T) {
	s := start(t, listed(), time.Second)
	for name, bytes := range map[string][]byte{
		"256 MB announced":      {0x10, 0xff, 0xff, 0xff, 0x7f},
		"length without end":    {0x10, 0xff, 0xff, 0xff, 0xff, 0xff},
		"publish before log-in": {0x30, 0x03, 0x00, 0x01, 'a'},
		"not MQTT":              []byte("GET / HTTP/1.1\r\n\r\n"),
	} {
		if !hungUp(t, s, bytes) {
			t.Errorf("%s: still connected", name)
		}
	}
	c := s.connect(t, "gw-1", "one")
	c.Publish(ownTopic, 1, false, make([]byte, broker.MaxPacketBytes+1))
	select {
	case <-c.lost:
	case <-time.After(10 * time.Second):
		t.Error("too large a packet: still connected")
	}
}

func TestCertificateNamesTheGateway(t *testing.T) {
	authority, pool := newAuthority(t)
	c := broker.Config{Clients: []broker.Client{{Org: "acme", Gateway: "gw-1"}, {Org: "acme", Gateway: "gw-2", Password: "two"}}}
	c.TLS = &tls.Config{Certificates: []tls.Certificate{authority.issue(t, "localhost")}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven}
	s := start(t, c, time.Second)
	secure := func(certificates ...tls.Certificate) func(*mqtt.ClientOptions) {
		return func(o *mqtt.ClientOptions) {
			o.Servers = nil
			o.AddBroker("ssl://" + s.broker.Address())
			o.SetTLSConfig(&tls.Config{RootCAs: pool, ServerName: "localhost", Certificates: certificates})
		}
	}
	stranger, _ := newAuthority(t)
	for name, c := range map[string]struct {
		client *client
		ok     bool
	}{
		"own certificate":          {s.client("gw-1", "", "", secure(authority.issue(t, "gw-1"))), true},
		"another's certificate":    {s.client("gw-1", "", "", secure(authority.issue(t, "gw-2"))), false},
		"no certificate":           {s.client("gw-1", "gw-1", "", secure()), false},
		"another authority":        {s.client("gw-1", "", "", secure(stranger.issue(t, "gw-1"))), false},
		"password over TLS":        {s.client("gw-2", "gw-2", "two", secure()), true},
		"certificate for password": {s.client("gw-2", "", "", secure(authority.issue(t, "gw-2"))), false},
		"plain text":               {s.client("gw-2", "gw-2", "two"), false},
	} {
		if err := finish(c.client.Connect()); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		c.client.Disconnect(50)
	}
}

type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) (authority, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return authority{certificate, key}, pool
}

func (a authority) issue(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestNewChecksItsConfiguration(t *testing.T) {
	ingest, err := iot.New(iot.Config{Ledger: iottest.NewLedger(), Net: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]broker.Config{
		"bad gateway": {Clients: []broker.Client{{Org: "acme", Gateway: "GW"}}}, "bad organisation": {Clients: []broker.Client{{Org: "a.b", Gateway: "gw"}}},
		"reserved": {Clients: []broker.Client{{Org: "acme", Gateway: "inline"}}}, "twice": {Clients: []broker.Client{{Org: "a", Gateway: "g"}, {Org: "b", Gateway: "g"}}},
		"bad anonymous": {AnonymousOrg: "#"}, "bad address": {Address: "nowhere:-1"},
	} {
		if _, err := broker.New(c, ingest); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
