package witness

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// Heads keeps the newest cosigned head of each log. Safe for concurrent use.
type Heads interface {
	// Head gives the note that Swap stored last for a log, nil before the first.
	Head(origin string) ([]byte, error)
	// Swap replaces the stored note old, nil for none, by next: in one step and durable on
	// return. It is false, and nothing changes, when another note is stored.
	Swap(origin string, old, next []byte) (bool, error)
}

// Limits of a witness.
const (
	// MaxLogs bounds the logs of one witness.
	MaxLogs = 1000
	// MaxPerSecond bounds the cosignatures that one log gets in a second, advances of the head
	// and repetitions of it apart: whoever repeats a log's newest head cannot use up what the log
	// needs.
	MaxPerSecond = 20
)

// Config is what a Witness is made of. All fields are required.
type Config struct {
	// Key is the note signing key of the witness, Ed25519. Whoever holds it can cosign in its name.
	Key string
	// Logs are the verifier keys of the logs it follows. A log's name is its origin; several
	// keys of one name are trusted alike.
	Logs  []string
	Heads Heads
	// Now is the clock that the limits of a second go by.
	Now func() time.Time
}

// Witness cosigns heads of logs. Safe for concurrent use; several processes on one Heads are
// safe too, since nothing is cosigned that could not be swapped in.
type Witness struct {
	signer   note.Signer
	verifier note.Verifier
	heads    Heads
	logs     map[string]*followed
	now      func() time.Time
}

// followed is one log. Its mutex makes checking and persisting one step for requests here; the
// comparison in Heads does so for other processes.
type followed struct {
	mu               sync.Mutex
	verifiers        []note.Verifier
	advances, repeat pace
}

// The refusals of the protocol. Each has its own status code, see status.
var (
	errMalformed  = errors.New("malformed request")
	errUnknownLog = errors.New("no log of that origin is followed here")
	errUnsigned   = errors.New("no signature of a key that is trusted for that origin")
	errOldSize    = errors.New("old size is larger than the checkpoint")
	errOtherRoot  = errors.New("a head of that size with another root was cosigned before")
	errProof      = errors.New("the head does not continue the one that was cosigned before")
	errPace       = errors.New("too many cosignatures for one log in one second")
)

// conflict says that the old size is not the one that the witness knows.
type conflict struct{ size uint64 }

// Error names the size that is known here.
func (c *conflict) Error() string { return fmt.Sprintf("the newest cosigned head has size %d", c.size) }

// New makes a witness. It reads every stored head, and refuses one that this key did not cosign.
func New(c Config) (*Witness, error) {
	w := &Witness{heads: c.Heads, logs: map[string]*followed{}, now: c.Now}
	vkey, err := VerifierKey(c.Key)
	if err != nil {
		return nil, err
	}
	if w.verifier, err = cosignature.NewVerifierForCosignatureV1(vkey); err != nil {
		return nil, err
	}
	if w.signer, err = cosignature.NewSignerForCosignatureV1(c.Key); err != nil {
		return nil, errors.New("witness key does not parse") // the cause could quote the key
	}
	for _, vkey := range c.Logs {
		verifier, err := note.NewVerifier(vkey)
		if err != nil {
			return nil, fmt.Errorf("log key %.100q: %w", vkey, err)
		}
		if w.logs[verifier.Name()] == nil {
			w.logs[verifier.Name()] = &followed{}
		}
		l := w.logs[verifier.Name()]
		l.verifiers = append(l.verifiers, verifier)
	}
	if len(w.logs) == 0 || len(w.logs) > MaxLogs {
		return nil, fmt.Errorf("%d logs to witness, want 1 to %d", len(w.logs), MaxLogs)
	}
	for origin := range w.logs {
		if _, _, err := w.stored(origin); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// Origins are the names of the logs that it follows, in order.
func (w *Witness) Origins() []string { return slices.Sorted(maps.Keys(w.logs)) }

// add checks a head against what is remembered of its log and cosigns it. It returns signature
// lines of a note. What it remembers is durable before it returns.
func (w *Witness) add(body []byte) (lines []byte, h head, err error) {
	r, err := parseRequest(body)
	if err != nil {
		return nil, h, fmt.Errorf("%w: %w", errMalformed, err)
	}
	origin, _, _ := bytes.Cut(r.checkpoint, []byte("\n"))
	l, ok := w.logs[string(origin)]
	if !ok {
		return nil, h, errUnknownLog
	}
	n, err := note.Open(r.checkpoint, note.VerifierList(l.verifiers...))
	if err != nil {
		return nil, h, unopened(err)
	}
	if h, err = readHead(n.Text); err != nil {
		return nil, h, fmt.Errorf("%w: %w", errMalformed, err)
	}
	if r.old > h.size {
		return nil, h, fmt.Errorf("%w: %w", errMalformed, errOldSize)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	lines, err = w.cosign(l, r, n, h)
	return lines, h, err
}

// unopened tells a note that is none from one that nobody trusted has signed.
func unopened(err error) error {
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	if errors.As(err, &unverified) || errors.As(err, &invalid) {
		return errUnsigned
	}
	return fmt.Errorf("%w: %w", errMalformed, err)
}

func (w *Witness) cosign(l *followed, r request, n *note.Note, next head) ([]byte, error) {
	known, stored, err := w.stored(next.origin)
	if err != nil {
		return nil, err
	}
	if err := follows(known, next, r); err != nil {
		return nil, err
	}
	advances := stored == nil || next.size > known.size
	if advances && !l.advances.allow(w.now()) || !advances && !l.repeat.allow(w.now()) {
		return nil, errPace
	}
	signed, err := note.Sign(n, w.signer)
	if err != nil {
		return nil, fmt.Errorf("cosign: %w", err)
	}
	if advances {
		swapped, err := w.heads.Swap(next.origin, stored, signed)
		if err != nil {
			return nil, fmt.Errorf("store the cosigned head: %w", err)
		}
		if !swapped { // by another process, a moment ago
			if known, _, err = w.stored(next.origin); err != nil {
				return nil, err
			}
			return nil, &conflict{known.size}
		}
	}
	return w.lines(signed)
}

// stored reads what is remembered of a log: the head, and the note that it was read from.
func (w *Witness) stored(origin string) (head, []byte, error) {
	stored, err := w.heads.Head(origin)
	if err != nil || stored == nil {
		return head{}, nil, err
	}
	n, err := note.Open(stored, note.VerifierList(w.verifier))
	if err != nil {
		return head{}, nil, fmt.Errorf("the stored head of %s is damaged, or cosigned under another key: %w", origin, err)
	}
	h, err := readHead(n.Text)
	if err == nil && h.origin != origin {
		err = fmt.Errorf("the head of %s is stored for %s", h.origin, origin)
	}
	return h, stored, err
}

// lines picks the signatures of this witness out of a note.
func (w *Witness) lines(signed []byte) ([]byte, error) {
	n, err := note.Open(signed, note.VerifierList(w.verifier))
	if err != nil {
		return nil, fmt.Errorf("read back the cosignature: %w", err)
	}
	return formatLine(n.Sigs[0]), nil
}
