package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"aval/domain"
)

// privateItem is a private value that the log names.
type privateItem struct {
	domain.Private
	index  uint64
	number int
}

// notePrivate remembers the private values that an entry names.
func (a *audit) notePrivate(e *entry) {
	for n, item := range e.Private {
		a.private = append(a.private, privateItem{item, e.Index, n})
	}
}

// comparePrivate wants a value for each item whose subject is not erased, sealed under the
// subject's key and of the digest that was signed; and no other values, and no other keys.
func (a *audit) comparePrivate() error {
	keys, err := a.subjectKeys()
	if err != nil {
		return err
	}
	used := map[string]bool{}
	at := 0
	wanted := func() bool { // moves on to the next item that has a value
		for ; at < len(a.private); at++ {
			subject := a.private[at].Subject
			if a.erased(subject) {
				continue
			}
			tag := string(a.vault.tag(subjectName(subject)))
			if key, there := keys[tag]; key != nil || !there {
				return true
			}
			used[tag] = true // marked as erased: there is none
		}
		return false
	}
	err = a.archive.Private(PrivateQuery{To: math.MaxInt64}, func(s StoredPrivate) error {
		if !wanted() {
			return &Fault{s.Index, errors.New("a private value is kept that no entry names, or of an erased party")}
		}
		item := a.private[at]
		if s.Index != item.index || s.Number != item.number {
			return &Fault{min(s.Index, item.index), errors.New("a private value is missing, or kept for no entry, or of an erased party")}
		}
		at++
		used[string(s.Subject)] = true
		return faultAt(s.Index, compareRow(a.vault, keys[string(s.Subject)], s, item.Private))
	})
	if err != nil {
		return err
	}
	if wanted() {
		return &Fault{a.private[at].index, errors.New("a private value is missing")}
	}
	if len(used) != len(keys) {
		return errors.New("a key is kept of a party that is erased, or has no private values")
	}
	return nil
}

// compareRow holds a stored value against the item that names it.
func compareRow(v *vault, key *xaes, s StoredPrivate, item domain.Private) error {
	if !bytes.Equal(s.Subject, v.tag(subjectName(item.Subject))) || !bytes.Equal(s.Digest, v.tag(digestName(item.Digest))) {
		return errors.New("a private value is filed under another subject or digest")
	}
	if key == nil {
		return errors.New("the key of a private value is missing")
	}
	_, err := openPrivate(key, s, item)
	return err
}

// subjectKeys gives the keys by tag, nil where there is the mark of an erasure.
func (a *audit) subjectKeys() (map[string]*xaes, error) {
	keys := map[string]*xaes{}
	err := a.archive.Subjects(func(s StoredSubject) (err error) {
		if keys[string(s.Tag)], err = a.vault.openSubject(s); err != nil && !errors.Is(err, errErased) {
			return fmt.Errorf("key of a private party: %w", err)
		}
		return nil
	})
	return keys, err
}

func (a *audit) erased(id domain.PartyID) bool {
	party, ok := registry{a.state}.Party(id)
	return !ok || party.Erased != 0
}
