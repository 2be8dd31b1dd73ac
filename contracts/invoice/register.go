package invoice

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"

	"aval/domain"
)

// Limits of the business events that one device may state about one shipment.
const (
	// MaxEvents bounds the events, withdrawn ones too.
	MaxEvents = 256
	// MaxSeals bounds the observations of seals.
	MaxSeals = 64
)

// register is the record register/<shipment>/<device>: the business events that a device stated
// about the goods. At most 50 KiB with every limit reached.
type register struct {
	// Events are in order of name.
	Events []entry `json:"events,omitempty"`
	// Dead are the keys, sorted, of what was withdrawn or replaced: samples that refer to one do not count.
	Dead [][]byte `json:"dead,omitempty"`
	// Expected are the hashes of the names, sorted, of events that correct a withdrawn one.
	Expected [][]byte `json:"expected,omitempty"`
	// Seals are in order of time.
	Seals []sealSeen `json:"seals,omitempty"`
}

// entry is one event: the hash of its name, what it said, and whether that still stands.
type entry struct {
	Name   []byte `json:"name"`
	Digest []byte `json:"digest,omitempty"`
	// Version is the publisher's; a greater one replaces a smaller one.
	Version   int64         `json:"version,omitempty"`
	Withdrawn domain.Millis `json:"withdrawn,omitempty"`
}

// sealSeen is one observation of a seal by an event.
type sealSeen struct {
	At     domain.Millis `json:"at"`
	Number string        `json:"number"`
	State  string        `json:"state"`
	By     string        `json:"by,omitempty"`
	Event  []byte        `json:"event"`
}

func registerPrefix(shipment string) string { return "register/" + shipment + "/" }

func registerKey(shipment string, device int) string {
	return registerPrefix(shipment) + strconv.Itoa(device)
}

func hash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// key is what samples refer to: one version of the event.
func (e entry) key() []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(slices.Clone(e.Name), uint64(e.Version)))
	return sum[:]
}

func (r *register) find(name []byte) (int, bool) {
	return slices.BinarySearchFunc(r.Events, name, func(e entry, name []byte) int { return bytes.Compare(e.Name, name) })
}

// kill marks the samples of a version as untrue.
func (r *register) kill(e entry) { r.Dead = insert(r.Dead, e.key()) }

func (r register) dead(key string) bool {
	_, found := slices.BinarySearchFunc(r.Dead, []byte(key), bytes.Compare)
	return found
}

func insert(sorted [][]byte, key []byte) [][]byte {
	i, found := slices.BinarySearchFunc(sorted, key, bytes.Compare)
	if found {
		return sorted
	}
	return slices.Insert(sorted, i, key)
}

// verdict is what the register makes of an event.
type entryVerdict int

const (
	stands    entryVerdict = iota // it counts, perhaps not for the first time
	obsolete                      // withdrawn, or replaced by a greater version
	contested                     // one name, two contents
)

// enter takes an event in. The order in which versions and withdrawals come changes nothing.
func (r *register) enter(head domain.Reading) (key []byte, v entryVerdict) {
	next := entry{Name: hash(head.Event), Digest: hash(head.Text), Version: head.Value}
	i, known := r.find(next.Name)
	if !known {
		r.Events = slices.Insert(r.Events, i, next)
		return next.key(), stands
	}
	old := r.Events[i]
	switch {
	case old.Withdrawn != 0 || next.Version < old.Version:
		return nil, obsolete
	case next.Version > old.Version:
		r.kill(old)
		r.Events[i] = next
	case !bytes.Equal(old.Digest, next.Digest):
		return nil, contested
	}
	return next.key(), stands
}

// withdraw takes an event out, also one that has not come yet. It says whether that changes something.
func (r *register) withdraw(name string, at domain.Millis) bool {
	hashed := hash(name)
	i, known := r.find(hashed)
	if !known {
		r.Events = slices.Insert(r.Events, i, entry{Name: hashed, Withdrawn: max(at, 1)})
		return true
	}
	if r.Events[i].Withdrawn != 0 {
		return false
	}
	r.Events[i].Withdrawn = max(at, 1)
	r.kill(r.Events[i])
	return true
}

// counted gives those of the names whose events count at present, each once.
func (r *register) counted(names []string) []string {
	var all []string
	for _, name := range names {
		i, known := r.find(hash(name))
		if known && r.Events[i].Withdrawn == 0 && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// amending gives those readings of a late message that withdraw these events, or state what corrects a withdrawn one.
func (r *register) amending(readings []domain.Reading, names []string) []domain.Reading {
	expected := slices.Clone(r.Expected)
	for _, each := range readings {
		if each.Name == domain.QuantityCorrection && slices.Contains(names, each.Event) {
			expected = insert(expected, hash(each.Text))
		}
	}
	return slices.DeleteFunc(slices.Clone(readings), func(each domain.Reading) bool {
		if each.Name == domain.QuantityWithdrawal {
			return !slices.Contains(names, each.Text)
		}
		if each.Name == domain.QuantityCorrection {
			return !slices.Contains(names, each.Event)
		}
		_, found := slices.BinarySearchFunc(expected, hash(each.Event), bytes.Compare)
		return each.Event == "" || !found
	})
}

func (r register) check() error {
	if len(r.Events) > MaxEvents || len(r.Expected) > MaxEvents || len(r.Dead) > 2*MaxEvents {
		return domain.Refuse(domain.LimitExceeded, "more than %d events about one shipment", MaxEvents)
	}
	if len(r.Seals) > MaxSeals {
		return domain.Refuse(domain.LimitExceeded, "more than %d observations of seals", MaxSeals)
	}
	return nil
}
