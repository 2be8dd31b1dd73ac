package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"aval/api"
	"aval/domain"
	"aval/iot"
	"aval/iot/broker"
	"aval/iot/session"
	"aval/ledger"
	"aval/ledger/enclave"
	"aval/ledger/order"
	"aval/ledger/recovery"
	"aval/ledger/witness"
	"aval/oracle"
	"aval/oracle/aeroapi"
)

// Options are what a caller may replace; the zero value is a real node.
type Options struct {
	// Now is the time of batches, tokens and observations; nil means the clock of the machine.
	Now func() time.Time
	// Log takes what an operator should know; nil discards it.
	Log *slog.Logger
	// DriveOracle leaves the polling to the caller, who calls Oracle.Poll.
	DriveOracle bool
	// AcceptHead goes on from a head that nothing shows to be the newest; the log says so for good.
	AcceptHead bool
	// Hardening is what was done for this process, shown on the admin address and in metrics; nil: nothing was.
	Hardening *Hardening
}

// Node is an assembled node. Its fields are for reading once Start returned.
type Node struct {
	Folder *Folder
	Engine *ledger.Engine
	Solo   *order.Solo
	Ingest *iot.Ingest
	// Oracle is nil unless the configuration names a source, Broker unless it has one.
	Oracle *oracle.Runner
	Broker *broker.Broker
	// Witnesses gathers cosignatures, nil unless the configuration names witnesses.
	Witnesses *witness.Gatherer
	// API is the address that the HTTP API listens on, Admin that of metrics, nil for none.
	API, Admin net.Addr
	// TLS is the API's key, made at the start and in memory alone.
	TLS *api.Identity
	// Peers is where other nodes ask for the keys, nil unless the configuration lets them.
	Peers net.Addr

	store *notedStore
	// counter counts starts where the platform can; nil: it cannot.
	counter *headCounter
	// doubt says why the witnesses have to vouch for the head; accepted is its size if the caller did. settled is closed once
	// somebody has and, for the caller, the log says so.
	doubt    string
	accepted uint64
	settled  chan struct{}
	// way is how this node came by its keys, a domain.Opened word.
	way string
	// measurement is the platform's, in hex, asked for before the process is confined.
	measurement string
	// issued says which recovery set is on disk; nil for none.
	issued  atomic.Pointer[recovery.Name]
	options Options
	parts   []func(context.Context) error
}

// Open assembles a node and binds its addresses. Run starts it; Close releases one that was not run.
func Open(folder *Folder, o Options) (*Node, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := folder.Config.check(); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if err := folder.checkContradiction(); err != nil {
		return nil, err
	}
	policy, err := folder.policy()
	if err != nil {
		return nil, err
	}
	store, noted, err := folder.openNoted()
	if err != nil {
		return nil, err
	}
	n := &Node{Folder: folder, Solo: order.NewSolo(o.Now), store: store, options: o, way: folder.keys.Way(), measurement: hex.EncodeToString(folder.Platform.Measurement())}
	config := engineConfig(folder.Keys, store, n.Solo, folder.Platform.Name())
	config.Policy, config.NextEpoch = policy, n.nextEpoch
	if n.Engine, err = openEngine(config); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	if n.counter, err = newHeadCounter(folder.Dir, folder.Platform, folder.Keys); err == nil {
		err = n.proveHead(noted)
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	if err := n.Solo.CheckClock(n.Engine.Now()); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	if err := n.addWitnesses(policy); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	keys := n.Custody()
	o.Log.Info("keys", "way", keys.Way, "epoch", keys.Epoch, "simulated", keys.Simulated, "head", keys.Head)
	n.parts = append(n.parts, n.keepRecovery, n.recordOpening, n.countHeads)
	for _, add := range []func() error{n.addAPI, n.addSensors, n.addOracle, n.addPeers} {
		if err := add(); err != nil {
			return nil, errors.Join(err, n.Close())
		}
	}
	return n, nil
}

// openEngine keeps the collector off while the state is read: half of what that allocates stays,
// and the collector would go over it again and again. A limit in GOMEMLIMIT still holds.
func openEngine(c ledger.Config) (*ledger.Engine, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	return ledger.Open(c)
}

// nextEpoch makes the key of an epoch that governance has begun.
func (n *Node) nextEpoch(number uint32) (ledger.Epoch, error) {
	next, err := n.Folder.keys.Next(number)
	if err == nil {
		n.options.Log.Info("bodies are sealed under a new key from now on", "epoch", number)
	}
	return next, err
}

// ballastBytes is memory that is never touched and so never taken from the machine. The
// collector counts it as in use, and lets that much more garbage gather before it works: else
// a node with a small state would collect ten times a second under load.
const ballastBytes = 256 << 20

// Run runs every part until the context ends or one fails, then stops them all and closes the store.
func (n *Node) Run(ctx context.Context) error {
	ballast := make([]byte, ballastBytes)
	defer runtime.KeepAlive(ballast)
	group, ctx := errgroup.WithContext(ctx)
	for _, part := range n.parts {
		group.Go(func() error {
			err := part(ctx)
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				return nil // some parts return the context's end, which is no fault
			}
			return err
		})
	}
	return errors.Join(group.Wait(), n.store.Close())
}

// Close releases a node that was not run: every part gives its address back when it stops.
func (n *Node) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return n.Run(ctx)
}

// Custody is how this node keeps its keys.
func (n *Node) Custody() api.Custody {
	return api.Custody{Way: n.way, Epoch: n.Engine.KeyEpoch(), Simulated: n.Folder.Platform.Name() == enclave.SimulatedName, Head: n.headShown()}
}

func (n *Node) addAPI() error {
	listener, err := net.Listen("tcp", n.Folder.Config.Listen)
	if err != nil {
		return fmt.Errorf("listen for the API: %w", err)
	}
	n.API = listener.Addr()
	policy, err := n.Folder.PolicyText()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	host, _, _ := net.SplitHostPort(n.Folder.Config.Listen)
	if n.TLS, err = api.NewIdentity(host, n.options.Now); err != nil {
		return errors.Join(err, listener.Close())
	}
	server := api.New(api.Config{
		Ledger: n.Engine, Policy: policy, Platform: n.Folder.Platform.Name(), Log: n.options.Log, Now: n.options.Now,
		Custody: n.Custody, TLS: n.TLS.Config(), PlainLoopback: !n.Folder.Config.RequireTLS, Quote: n.state,
	})
	n.parts = append(n.parts, func(ctx context.Context) error { return server.Run(ctx, listener) })
	if n.Folder.Config.Admin == "" {
		return nil
	}
	admin, err := net.Listen("tcp", n.Folder.Config.Admin)
	if err != nil {
		return fmt.Errorf("listen for admin: %w", err)
	}
	n.Admin = admin.Addr()
	handler := http.NewServeMux()
	handler.Handle("/", server.Admin(newCollector(n)))
	if n.options.Hardening != nil {
		handler.Handle("GET /hardening", n.options.Hardening)
	}
	n.parts = append(n.parts, func(ctx context.Context) error { return ServeHTTP(ctx, admin, handler) })
	return nil
}

// addSensors connects the ingest to the embedded broker, an external one, or both.
func (n *Node) addSensors() error {
	c := n.Folder.Config
	if c.Broker == nil && c.Session == nil {
		return nil
	}
	name := ""
	if c.Broker != nil {
		name = c.Broker.Net
	} else {
		name = c.Session.Net
	}
	var err error
	n.Ingest, err = iot.New(iot.Config{Ledger: n.Engine, Net: name, Gateway: n.gatewayOf})
	if err == nil && c.Broker != nil {
		err = n.addBroker(*c.Broker)
	}
	if err == nil && c.Session != nil {
		err = n.addSession(*c.Session)
	}
	return err
}

func (n *Node) gatewayOf(device string) (string, bool) {
	d, ok := n.Engine.Registry().Device(device)
	return d.Gateway, ok
}

func (n *Node) addBroker(c BrokerConfig) error {
	config := broker.Config{Address: c.Listen, AnonymousOrg: c.AnonymousOrg}
	if c.TLS {
		config.TLS = n.TLS.Config()
	}
	for _, g := range c.Gateways {
		password, err := ReadSecret(n.Folder.path(g.PasswordFile))
		if err != nil {
			return err
		}
		config.Clients = append(config.Clients, broker.Client{Org: domain.PartyID(g.Org), Gateway: g.ID, Password: password})
	}
	var err error
	if n.Broker, err = broker.New(config, n.Ingest); err != nil {
		return err
	}
	n.parts = append(n.parts, n.Broker.Run)
	return nil
}

func (n *Node) addSession(c SessionConfig) error {
	password := ""
	if c.PasswordFile != "" {
		var err error
		if password, err = ReadSecret(n.Folder.path(c.PasswordFile)); err != nil {
			return err
		}
	}
	s, err := session.New(session.Config{Broker: c.URL, ClientID: c.ClientID, Username: c.Username, Password: password, OnGap: func() {
		n.options.Log.Warn("the external broker forgot the session: gateways will repeat what may be missing")
	}}, n.Ingest)
	if err != nil {
		return err
	}
	n.parts = append(n.parts, s.Run)
	return nil
}

func (n *Node) addOracle() error {
	c := n.Folder.Config.Oracle
	if c == nil {
		return nil
	}
	key := ""
	if c.KeyFile != "" {
		var err error
		if key, err = ReadSecret(n.Folder.path(c.KeyFile)); err != nil {
			return err
		}
	}
	source, err := aeroapi.New(aeroapi.Config{
		Name: c.Source, BaseURL: c.URL, Client: &http.Client{Timeout: oracleTimeout, Transport: oracleTransport()},
		Key: func() string { return key }, Now: n.options.Now,
	})
	if err != nil {
		return err
	}
	n.Oracle, err = oracle.New(oracle.Config{
		Ledger: n.Folder.Keys.Origin, Epoch: uint64(n.options.Now().UnixMilli()), Signer: n.Folder.Oracle, Source: source,
		Watches: n.Engine.Watches, Changed: n.Engine.Changed, Submit: n.submitObservation, Now: n.options.Now,
		Concurrency: oracleConcurrency, Failed: func(err error) { n.options.Log.Warn("oracle", "error", err) },
	})
	if err == nil && !n.options.DriveOracle {
		n.parts = append(n.parts, n.Oracle.Run)
	}
	return err
}

// Limits of the oracle's traffic.
const (
	oracleTimeout     = 20 * time.Second
	oracleConcurrency = 32
)

// oracleTransport keeps one connection for each poll at work.
func oracleTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost, t.MaxConnsPerHost = oracleConcurrency, oracleConcurrency
	return t
}

// submitObservation tells the oracle of a refusal as an error, so that it asks again. What a frozen oracle saw is kept aside.
func (n *Node) submitObservation(ctx context.Context, format string, raw []byte) error {
	reply, err := n.Engine.Submit(ctx, format, raw, ledger.ForCommitted)
	if err == nil && reply.Code != "" {
		return domain.Refuse(reply.Code, "%s", reply.Detail)
	}
	var refusal *domain.Rejection
	if errors.As(err, &refusal) && refusal.Code == domain.Frozen {
		if kept := n.Engine.Quarantine(ctx, refusal.Code, raw); kept != nil {
			return kept
		}
	}
	return err
}

// maxSecret bounds a password or API key file.
const maxSecret = 4096

// ReadSecret reads a file that holds one secret, surrounding spaces aside. An empty one is an
// error. Errors never quote its content.
func ReadSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Size() > maxSecret {
		return "", fmt.Errorf("%s: %d bytes, limit %d", path, info.Size(), maxSecret)
	}
	text, err := os.ReadFile(path)
	secret := strings.TrimSpace(string(text))
	if err == nil && secret == "" {
		err = fmt.Errorf("%s: empty", path)
	}
	return secret, err
}

// URL is the API's address: http where that is served, else https.
func (n *Node) URL() string {
	if tcp, ok := n.API.(*net.TCPAddr); ok && tcp.IP.IsLoopback() && !n.Folder.Config.RequireTLS {
		return "http://" + n.API.String()
	}
	return "https://" + n.API.String()
}
