package ledger

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"aval/domain"
	"aval/domain/envelope"
)

// A private value lies beside the log, sealed under a random key of its subject, which lies
// sealed under the ledger's. The log holds its digest alone. Erasing the subject deletes key
// and values; no leaf, proof, replay or digest of state ever depended on them.

const subjectKeySize = 32

func subjectName(p domain.PartyID) string     { return "subject " + string(p) }
func digestName(digest string) string         { return "private " + digest }
func subjectPlace(tag []byte) string          { return fmt.Sprintf("subject %x", tag) }
func privatePlace(index uint64, n int) string { return fmt.Sprintf("private %d %d", index, n) }

// errErased says that what lies under a subject's tag is no key but the mark of an erasure.
var errErased = errors.New("the private values of this party were erased in a history that this log does not hold")

// erasedMark is sealed in place of a key where a restore left out what was erased after the archive was made. The log
// does not know of it, and nothing is kept about the subject until members erase it again.
const erasedMark = "erased"

func (v *vault) markErased(tag []byte) StoredSubject {
	return StoredSubject{Tag: tag, Key: v.seal(subjectPlace(tag), []byte(erasedMark))}
}

// openSubject opens the stored key of a subject; errErased if there is a mark in its place.
func (v *vault) openSubject(s StoredSubject) (*xaes, error) {
	key, err := v.open(subjectPlace(s.Tag), s.Key)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	if string(key) == erasedMark {
		return nil, errErased
	}
	return newXAES(key)
}

// newSubject makes a key for a subject that has none.
func (v *vault) newSubject(tag []byte) (StoredSubject, *xaes, error) {
	key := make([]byte, subjectKeySize)
	defer clear(key)
	rand.Read(key) // never fails
	cipher, err := newXAES(key)
	return StoredSubject{Tag: tag, Key: v.seal(subjectPlace(tag), key)}, cipher, err
}

// openRow opens a stored value.
func openRow(key *xaes, s StoredPrivate) ([]byte, error) {
	padded, err := key.open(nil, s.Body, []byte(privatePlace(s.Index, s.Number)))
	if err != nil {
		return nil, fmt.Errorf("private value %d of entry %d: changed, or sealed under another key", s.Number, s.Index)
	}
	return unpad(padded)
}

// openPrivate opens a stored value and holds it against its item.
func openPrivate(key *xaes, s StoredPrivate, item domain.Private) ([]byte, error) {
	disclosure, err := openRow(key, s)
	if err != nil {
		return nil, err
	}
	if envelope.Digest(disclosure) != item.Digest {
		return nil, fmt.Errorf("private value %d of entry %d: not the one whose digest was signed", s.Number, s.Index)
	}
	return disclosure, nil
}

// erasedIn gives the tags of the subjects that a batch erases.
func erasedIn(v *vault, changes []change) (tags [][]byte) {
	for _, c := range changes {
		party, ok := c.slot.registered.(domain.Party)
		if ok && party.Erased != 0 && c.slot.Kind == domain.GovernanceKind {
			tags = append(tags, v.tag(subjectName(party.ID)))
		}
	}
	return tags
}

// sealPrivate gives what a batch changes beside the log. A value about somebody whom the same
// batch erases is not even written.
func (e *Engine) sealPrivate(w *work) (p PrivateChange, err error) {
	p.Erased = erasedIn(e.vault, w.changes)
	keys := map[domain.PartyID]*xaes{}
	for _, en := range w.entries {
		disclosures := w.disclosures[en.Index]
		if err := envelope.CheckDisclosures(en.Private, disclosures); err != nil {
			return p, fmt.Errorf("entry %d was ordered without the private values that it names: %w", en.Index, err)
		}
		for n, item := range en.Private {
			if party, ok := (registry{w.after}).Party(item.Subject); !ok || party.Erased != 0 {
				continue
			}
			tag := e.vault.tag(subjectName(item.Subject))
			if keys[item.Subject] == nil {
				if keys[item.Subject], err = e.subjectKey(tag, &p); errors.Is(err, errErased) {
					continue
				}
				if err != nil {
					return p, err
				}
			}
			p.Rows = append(p.Rows, StoredPrivate{
				Index: en.Index, Number: n, Subject: tag, Digest: e.vault.tag(digestName(item.Digest)),
				Body: keys[item.Subject].seal(nil, pad(disclosures[n]), []byte(privatePlace(en.Index, n))),
			})
		}
	}
	return p, nil
}

// admitPrivate refuses a value about somebody who is marked as erased.
func (e *Engine) admitPrivate(items []domain.Private) error {
	for i, item := range items {
		tag := e.vault.tag(subjectName(item.Subject))
		sealed, err := e.store.Subject(tag)
		if err == nil && sealed != nil {
			_, err = e.vault.openSubject(StoredSubject{Tag: tag, Key: sealed})
		}
		if errors.Is(err, errErased) {
			return domain.Refuse(domain.Erased, "private/%d: party %s was erased before this ledger was restored", i, item.Subject)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// subjectKey gives the key of a subject, and makes one that goes with the change if there is none.
func (e *Engine) subjectKey(tag []byte, p *PrivateChange) (*xaes, error) {
	sealed, err := e.store.Subject(tag)
	if err != nil {
		return nil, err
	}
	if sealed != nil {
		return e.vault.openSubject(StoredSubject{Tag: tag, Key: sealed})
	}
	fresh, key, err := e.vault.newSubject(tag)
	p.Subjects = append(p.Subjects, fresh)
	return key, err
}

// add joins what a later batch changes.
func (p *PrivateChange) add(q PrivateChange) {
	p.Subjects, p.Rows = append(p.Subjects, q.Subjects...), append(p.Rows, q.Rows...)
	p.Erased = append(p.Erased, q.Erased...)
}

// Empty says that nothing changes.
func (p PrivateChange) Empty() bool { return len(p.Subjects)+len(p.Rows)+len(p.Erased) == 0 }

// PrivateView is one private value as those read it who may.
type PrivateView struct {
	// Index is the entry that names the value; its receipt proves the digest.
	Index   uint64         `json:"index"`
	Subject domain.PartyID `json:"subject"`
	Digest  string         `json:"digest"`
	Name    string         `json:"name"`
	// Value is JSON as it was signed for.
	Value json.RawMessage `json:"value"`
	// Disclosure is the text whose SHA-256 is Digest: with a receipt that shows the digest it proves the value to anybody.
	Disclosure string `json:"disclosure"`
}

// maxPrivateCopies bounds the entries that are looked at for one digest: whoever knows a value may name it again.
const maxPrivateCopies = 64

// Private gives a private value to the sender, the subject and the readers that its entry
// names. To everybody else, and after the subject was erased, it is NotFound.
func (e *Engine) Private(viewer domain.PartyID, digest string) (PrivateView, error) {
	if err := domain.CheckDigest(digest); err != nil {
		return PrivateView{}, err
	}
	b := e.books()
	var rows []StoredPrivate
	err := b.archive.Private(PrivateQuery{Digest: b.vault.tag(digestName(digest))}, func(s StoredPrivate) error {
		if rows = append(rows, s); len(rows) == maxPrivateCopies {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return PrivateView{}, err
	}
	for _, row := range rows {
		view, err := b.private(viewer, digest, row)
		var refused *domain.Rejection
		if !errors.As(err, &refused) {
			return view, err
		}
	}
	return PrivateView{}, errNotFound()
}

// private opens one stored value for a viewer. Who may read it is said by the entry, never by the row.
func (b books) private(viewer domain.PartyID, digest string, row StoredPrivate) (PrivateView, error) {
	en, err := b.entryAt(row.Index)
	if err != nil {
		return PrivateView{}, err
	}
	if row.Number < 0 || row.Number >= len(en.Private) || en.Private[row.Number].Digest != digest {
		return PrivateView{}, errors.New("a private value is filed for another entry: the store was changed")
	}
	item := en.Private[row.Number]
	if !item.ReadBy(viewer, en.Sender) {
		return PrivateView{}, errNotFound()
	}
	tag := b.vault.tag(subjectName(item.Subject))
	sealed, err := b.archive.Subject(tag)
	if err == nil && sealed == nil { // erased since the row was read
		err = errNotFound()
	}
	if err != nil {
		return PrivateView{}, err
	}
	key, err := b.vault.openSubject(StoredSubject{Tag: tag, Key: sealed})
	if err != nil {
		return PrivateView{}, err
	}
	disclosure, err := openPrivate(key, row, item)
	if err != nil {
		return PrivateView{}, err
	}
	open, err := envelope.OpenPrivate(disclosure)
	return PrivateView{
		Index: row.Index, Subject: item.Subject, Digest: digest, Name: open.Name, Value: open.Value, Disclosure: string(disclosure),
	}, err
}
