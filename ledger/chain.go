package ledger

import (
	"crypto/sha256"
	"fmt"

	"aval/domain"
	"aval/domain/canon"
)

// governanceChain holds the accepted entries of governance/1 together, so that none can be left out of a list
// of them: how many there are, and a hash that each of them went into. It is a slot of the state, and every
// seal leaf commits to it behind a salt of its own: the log does not show when governance did something.
type governanceChain struct {
	Number uint64 `json:"number"`
	// Head is zeroes before the first entry.
	Head []byte `json:"head"`
}

const (
	// chainPrefix begins the input of a link; 0 and 1 are those of RFC 6962, 2 is that of a field.
	chainPrefix = 3
	// chainPath names the field of a seal leaf that commits to the chain.
	chainPath = "governance"
)

// chainName is that of the one slot of its type, under which the entries of the chain are filed too.
var chainName = (&slot{Type: chainSlot, Key: chainPath}).name()

// governs says whether the entry can have changed who may do what: it is in the chain. What was read under a
// grant is of the same kind and changes nothing, and it is for those alone whom it tells of.
func (e *entry) governs() bool {
	return e.Kind == domain.GovernanceKind && e.Code == "" && e.Name != domain.Accessed
}

// next is the chain with one entry more, whose canonical bytes these are.
func (c governanceChain) next(body []byte) governanceChain {
	h := sha256.New()
	h.Write([]byte{chainPrefix})
	h.Write(c.Head)
	h.Write(body)
	return governanceChain{c.Number + 1, h.Sum(nil)}
}

// field is the chain as the seal leaf at an index commits to it.
func (c governanceChain) field(salt *salts, index uint64) (committed, error) {
	f := committed{Path: chainPath, Salt: make([]byte, saltSize)}
	salt.field(f.Salt, index, 0, 0)
	var err error
	f.Value, err = canon.Marshal(c)
	return f, err
}

// chain is that of the entries so far.
func (st *State) chain() (governanceChain, error) {
	c := governanceChain{Head: make([]byte, sha256.Size)}
	s, ok := st.slots.Get(chainName)
	if !ok {
		return c, nil
	}
	return c, canon.Unmarshal(s.Body, &c)
}

// chain adds what the batch has of governance.
func (r *run) chain() error {
	chained, err := r.state.chain()
	if err != nil {
		return fmt.Errorf("read the chain of governance: %w", err)
	}
	before := chained.Number
	for _, e := range r.entries {
		if !e.governs() {
			continue
		}
		body, err := e.encode()
		if err != nil {
			return fmt.Errorf("encode entry %d: %w", e.Index, err)
		}
		chained = chained.next(body)
	}
	if chained.Number == before {
		return nil
	}
	body, err := canon.Marshal(chained)
	r.state.put(&slot{Type: chainSlot, Key: chainPath, Body: body})
	return err
}
