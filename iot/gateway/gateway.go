// Package gateway stores what sensors signed and forwards it over MQTT until the ledger has it.
//
// Put is durable on return. A stored message is published at QoS 1, again and again with
// growing waits, until a ledger receipt for its fingerprint has come and been verified; that
// and nothing else lets the gateway forget it. A PUBACK, a publish that reported success, or a
// broker that once had the message prove nothing. Repeats are harmless: the ledger counts a
// message once.
//
// The ledger may also answer with a notice: the message is in quarantine and has no receipt.
// Then the gateway sets it aside, tries again rarely, and leaves it to its operator to Drop it.
package gateway

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"aval/domain"
	"aval/iot"
)

// Defaults and limits of a gateway.
const (
	// DefaultMaxBytes bounds the stored messages; the file may be twice as large before it is rewritten.
	DefaultMaxBytes = 64 << 20
	// MaxMessages bounds the number of stored messages.
	MaxMessages = 1 << 18
	// DefaultWindow bounds the messages that are published and wait for a receipt.
	DefaultWindow = 32
	// DefaultResend is the first wait for a receipt; it doubles up to MaxResends times.
	DefaultResend = 10 * time.Second
	MaxResends    = 5
	// DefaultNoticePause is the wait after a notice.
	DefaultNoticePause = 15 * time.Minute
	// DefaultWriteTimeout bounds one write, so that a half-open link is noticed.
	DefaultWriteTimeout = 10 * time.Second
	// maxReceipts bounds the receipts that wait to be verified.
	maxReceipts = 1024
)

// ErrFull says that the store holds MaxBytes or MaxMessages. The message is not stored; the device must keep
// it or know that it is lost.
var ErrFull = errors.New("gateway store is full")

// Config makes a Gateway. Zero durations and sizes mean the defaults.
type Config struct {
	// Broker is a URL, tcp://127.0.0.1:1883.
	Broker string
	// Net, Org and ID are the levels of the gateway's topics; ID is also client ID and user name.
	Net, Org, ID string
	Password     string
	TLS          *tls.Config
	// Path is the store's file.
	Path     string
	MaxBytes int64
	Window   int
	// Resend and NoticePause are waits before a message is published again.
	Resend, NoticePause time.Duration
	WriteTimeout        time.Duration
	// Verify says whether a receipt (a tlog-proof) proves that the message with this
	// fingerprint is on the ledger. Required. It is called from one goroutine.
	Verify func(receipt, fingerprint []byte) error
}

// Stats count since Open.
type Stats struct {
	// Pending messages are stored now.
	Pending int
	// Published counts publishes, repeats included; Trimmed messages have a verified receipt.
	Published, Trimmed uint64
	// Refused counts the trimmed messages that the contract refused, by code: they are on the
	// ledger and prove nothing for the shipment.
	Refused map[domain.Code]uint64
	// BadReceipts did not parse, verify or match; Notices came without a receipt.
	BadReceipts, Notices uint64
	// Connects counts connections that came up.
	Connects uint64
	// TornBytes were cut off the store's end at Open, DamagedBytes skipped inside it.
	TornBytes, DamagedBytes int64
}

// Held is a message that the ledger has answered with a notice.
type Held struct {
	Device string
	// Digest is the SHA-256 of the whole message.
	Digest [32]byte
	Code   domain.Code
}

// Gateway is one gateway with its store. Safe for concurrent use.
type Gateway struct {
	config Config

	mu    sync.Mutex
	wal   *wal
	queue queue
	// byDigest finds a message by all its bytes, byFingerprint by its signed bytes: the same
	// signed bytes may be stored under a good and a bad signature.
	byDigest      map[[32]byte]*message
	byFingerprint map[[32]byte][]*message
	bytes         int64
	stats         Stats
	// closed is set by Close.
	closed bool

	// wake tells the sender that something may be due; receipts await verification.
	wake     chan struct{}
	receipts chan []byte
}

// message is a stored message on its way. Guarded by Gateway.mu.
type message struct {
	number              uint64
	device              string
	class               byte
	size                int64
	fingerprint, digest [32]byte
	// code is that of the latest notice, empty without one.
	code domain.Code
	// due is when it is to be published, or published again; attempts counts publishes.
	due      time.Time
	attempts int
	// awaiting says that it fills a place of the window; slot is its index in its heap.
	awaiting bool
	slot     int
}

// Open opens or creates the store and takes up its messages.
func Open(c Config) (*Gateway, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	w, found, err := openWAL(c.Path)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	g := &Gateway{
		config: c, wal: w, byDigest: map[[32]byte]*message{}, byFingerprint: map[[32]byte][]*message{},
		wake: make(chan struct{}, 1), receipts: make(chan []byte, maxReceipts),
		stats: Stats{TornBytes: found.torn, DamagedBytes: found.damaged, Refused: map[domain.Code]uint64{}},
	}
	for _, s := range inOrder(w.live) {
		raw, err := w.read(s)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("gateway: %w", err), w.close())
		}
		g.enter(s, raw)
	}
	return g, nil
}

func (c *Config) check() error {
	for _, level := range []struct{ field, name string }{{"net", c.Net}, {"org", c.Org}, {"gateway", c.ID}} {
		if err := iot.CheckName(level.field, level.name); err != nil {
			return err
		}
	}
	if c.Verify == nil || c.Path == "" || c.Broker == "" {
		return errors.New("broker, path and verify are required")
	}
	c.MaxBytes = cmp.Or(c.MaxBytes, DefaultMaxBytes)
	c.Window = cmp.Or(c.Window, DefaultWindow)
	c.Resend = cmp.Or(c.Resend, DefaultResend)
	c.NoticePause = cmp.Or(c.NoticePause, DefaultNoticePause)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, DefaultWriteTimeout)
	return nil
}

// inOrder gives the live messages by number, the order in which they were put.
func inOrder(live map[uint64]stored) []stored {
	return slices.SortedFunc(maps.Values(live), func(a, b stored) int { return cmp.Compare(a.number, b.number) })
}

// Put stores a message of a device and returns when it is on disk. The same bytes again, while
// stored, change nothing. What is no well-formed message is stored and sent too: a gateway judges
// form no more than content. Fails with ErrFull, or a *domain.Rejection for a bad device, class or size.
func (g *Gateway) Put(device string, class iot.Class, raw []byte) error {
	topic := iot.Topic{Net: g.config.Net, Org: g.config.Org, Gateway: g.config.ID, Device: device, Class: class}
	if _, err := iot.ParseTopic(topic.String()); err != nil {
		return err
	}
	if len(raw) == 0 || len(raw) > iot.MaxMessageBytes {
		return domain.Refuse(domain.TooLarge, "message of %d bytes, want 1 to %d", len(raw), iot.MaxMessageBytes)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, twice := g.byDigest[sha256.Sum256(raw)]; twice {
		return nil
	}
	if g.closed {
		return errors.New("gateway is closed")
	}
	if g.bytes+int64(len(raw)) > g.config.MaxBytes || len(g.byDigest) >= MaxMessages {
		return ErrFull
	}
	s, err := g.wal.put(class[0], device, raw)
	if err != nil {
		return err
	}
	g.enter(s, raw)
	g.signal()
	return nil
}

// enter takes a stored message up.
func (g *Gateway) enter(s stored, raw []byte) {
	m := &message{number: s.number, device: s.device, class: s.class, size: s.size, digest: sha256.Sum256(raw), due: time.Now()}
	m.fingerprint = m.digest
	if codec, err := iot.Sniff(raw); err == nil {
		if o, _, err := codec.Decode(raw); err == nil {
			m.fingerprint = [32]byte(o.Fingerprint)
		}
	}
	g.byDigest[m.digest] = m
	g.byFingerprint[m.fingerprint] = append(g.byFingerprint[m.fingerprint], m)
	g.bytes += s.size
	g.queue.add(m)
}

// forget trims a message. The caller has a verified receipt for it, or its operator's word.
func (g *Gateway) forget(m *message) error {
	if err := g.wal.trim(m.number); err != nil {
		return err
	}
	g.queue.remove(m)
	delete(g.byDigest, m.digest)
	twins := slices.DeleteFunc(g.byFingerprint[m.fingerprint], func(t *message) bool { return t == m })
	if g.byFingerprint[m.fingerprint] = twins; len(twins) == 0 {
		delete(g.byFingerprint, m.fingerprint)
	}
	g.bytes -= m.size
	g.signal()
	return nil
}

func (g *Gateway) signal() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// Stats gives a snapshot.
func (g *Gateway) Stats() Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	stats := g.stats
	stats.Pending, stats.Refused = len(g.queue.byNumber), maps.Clone(g.stats.Refused)
	return stats
}

// Held lists the messages that were answered with a notice, oldest first.
func (g *Gateway) Held() []Held {
	g.mu.Lock()
	defer g.mu.Unlock()
	var held []Held
	for _, s := range inOrder(g.wal.live) {
		if m := g.queue.byNumber[s.number]; m != nil && m.code != "" {
			held = append(held, Held{Device: m.device, Digest: m.digest, Code: m.code})
		}
	}
	return held
}

// Drop forgets a held message without a receipt, by its operator's decision. Fails for one
// that is not held.
func (g *Gateway) Drop(digest [32]byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.byDigest[digest]
	if m == nil || m.code == "" {
		return domain.Refuse(domain.NotFound, "no held message has this digest")
	}
	return g.forget(m)
}

// Close gives the store back. Run must have ended.
func (g *Gateway) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	return g.wal.close()
}
