package ledger

import (
	"bytes"
	"errors"

	"aval/domain/canon"
)

// openSlot opens a stored slot in the room that to has, and wants it under its own tag: a row
// may not stand in for another. It gives the bytes too, which are its element of the state digest.
func (v *vault) openSlot(to []byte, stored StoredSlot) (*slot, []byte, error) {
	body, err := v.openTo(to, slotPlace(stored.Tag), stored.Body)
	if err != nil {
		return nil, nil, err
	}
	s := &slot{}
	if err := canon.Decode(body, s); err != nil { // the vault's bodies are the engine's own
		return nil, nil, err
	}
	if !bytes.Equal(stored.Tag, v.tag(s.name())) {
		return nil, nil, errors.New("a stored slot lies under the tag of another: wrong index key or changed store")
	}
	return s, body, nil
}
