// Package iottest has what tests of the sensor path need: a small ledger that can stall and
// fail, a link that can be cut, and a Mosquitto of one's own. It is for tests only.
package iottest

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"sync"

	"aval/domain"
	"aval/domain/envelope"
	"aval/iot/senml"
	"aval/ledger"
)

// Origin is the ledger that a Ledger is.
const Origin = "ledger.example/test"

// Ledger behaves as the engine does towards sensors: it checks signature, key and audience,
// commits each identity once, and gives the first reply to repeats. Safe for concurrent use.
type Ledger struct {
	mu        sync.Mutex
	keys      map[string]domain.Key
	committed map[identity]entry
	// quarantine has the code of each distinct message, writes how often it was written.
	quarantine map[[32]byte]domain.Code
	writes     int
	// open is closed while the ledger works; a stalled ledger has a new one.
	open chan struct{}
	// fault is consumed by the next submissions, before or after they commit.
	before, after int
	signing       ed25519.PrivateKey
	// NoWatch subjects get a logged refusal.
	noWatch string
}

type identity struct {
	key             string
	epoch, sequence uint64
}

type entry struct {
	fingerprint string
	reply       ledger.Reply
}

// ErrFault is what an injected fault gives: the outcome is open.
var ErrFault = errors.New("injected fault")

// NewLedger makes a working ledger that knows the keys.
func NewLedger(keys ...domain.Key) *Ledger {
	l := &Ledger{
		keys: map[string]domain.Key{}, committed: map[identity]entry{}, quarantine: map[[32]byte]domain.Code{},
		open: make(chan struct{}), signing: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)),
	}
	close(l.open)
	for _, k := range keys {
		l.Register(k)
	}
	return l
}

// Register makes a key known.
func (l *Ledger) Register(k domain.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys[k.ID] = k
}

// RefuseSubject makes observations of a subject a logged refusal, no-watch.
func (l *Ledger) RefuseSubject(subject string) { l.noWatch = subject }

// Stall makes submissions wait until Resume, or until their context ends.
func (l *Ledger) Stall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = make(chan struct{})
}

// Resume ends a stall.
func (l *Ledger) Resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.open)
}

// Fail makes the next submissions fail: some before they commit, then some after.
func (l *Ledger) Fail(before, after int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.before, l.after = before, after
}

// Submit is that of iot.Ledger.
func (l *Ledger) Submit(ctx context.Context, format string, raw []byte, _ ledger.Wait) (ledger.Reply, error) {
	l.mu.Lock()
	open := l.open
	l.mu.Unlock()
	select {
	case <-open:
	case <-ctx.Done():
		return ledger.Reply{}, ctx.Err()
	}
	o, err := l.admit(format, raw)
	if err != nil {
		return ledger.Reply{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.before > 0 {
		l.before--
		return ledger.Reply{}, ErrFault
	}
	reply := l.commit(o)
	if l.after > 0 {
		l.after--
		return ledger.Reply{}, ErrFault
	}
	return reply, nil
}

func (l *Ledger) admit(format string, raw []byte) (domain.Observation, error) {
	codec, err := senml.Sniff(raw)
	if err != nil {
		return domain.Observation{}, err
	}
	if codec.Format() != format {
		return domain.Observation{}, domain.Refuse(domain.Malformed, "format")
	}
	o, shell, err := codec.Decode(raw)
	if err != nil {
		return o, err
	}
	if o.Ledger != Origin {
		return o, domain.Refuse(domain.WrongLedger, "another ledger")
	}
	l.mu.Lock()
	key, ok := l.keys[shell.KeyID]
	l.mu.Unlock()
	if !ok {
		return o, domain.Refuse(domain.UnknownKey, "not registered")
	}
	return o, envelope.Verify(key, shell)
}

func (l *Ledger) commit(o domain.Observation) ledger.Reply {
	id := identity{o.KeyID, o.Epoch, o.Sequence}
	fingerprint := hex.EncodeToString(o.Fingerprint)
	if old, found := l.committed[id]; found {
		reply := old.reply
		if old.fingerprint == fingerprint {
			reply.Duplicate = true
			return reply
		}
		return ledger.Reply{Index: old.reply.Index + 1_000_000, Code: domain.Equivocation}
	}
	reply := ledger.Reply{Index: uint64(len(l.committed)), Receipt: l.receipt(o.Fingerprint)}
	if l.noWatch != "" && o.Subject == l.noWatch {
		reply.Code = domain.NoWatch
	}
	l.committed[id] = entry{fingerprint, reply}
	return reply
}

// Quarantine is that of iot.Ledger.
func (l *Ledger) Quarantine(ctx context.Context, reason domain.Code, raw []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.before > 0 {
		l.before--
		return ErrFault
	}
	l.quarantine[sha256.Sum256(raw)] = reason
	l.writes++
	return nil
}

// Committed gives the fingerprints on the ledger, in hexadecimal: each stands for one effect.
func (l *Ledger) Committed() map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[string]bool{}
	for _, e := range l.committed {
		all[e.fingerprint] = true
	}
	return all
}

// Quarantined gives the number of distinct messages by code, and how often one was written.
func (l *Ledger) Quarantined() (map[domain.Code]int, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := map[domain.Code]int{}
	for code := range maps.Values(l.quarantine) {
		counts[code]++
	}
	return counts, l.writes
}

func (l *Ledger) receipt(fingerprint []byte) string {
	return base64.StdEncoding.EncodeToString(ed25519.Sign(l.signing, fingerprint))
}

// Verify checks a receipt of this ledger.
func (l *Ledger) Verify(receipt, fingerprint []byte) error {
	signature, err := base64.StdEncoding.DecodeString(string(receipt))
	if err != nil || !ed25519.Verify(l.signing.Public().(ed25519.PublicKey), fingerprint, signature) {
		return fmt.Errorf("receipt does not verify")
	}
	return nil
}
