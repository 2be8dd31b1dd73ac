package recovery

import (
	"errors"
	"fmt"

	"aval/domain"
	"aval/domain/canon"
)

// Collection gathers the shares of one set. It is as secret as they are: Format is for sealing by
// a platform at once. Not for concurrent use.
type Collection struct {
	set    *Set
	key    Key
	nonce  []byte
	shares []Share
}

// collected is what Format writes.
type collected struct {
	Set    Name    `json:"set"`
	Key    []byte  `json:"key"`
	Nonce  []byte  `json:"nonce"`
	Shares []Share `json:"shares"`
}

// Collect begins to gather, under a key of its own.
func Collect(set *Set) (*Collection, error) {
	key, err := NewKey()
	return &Collection{set: set, key: key, nonce: newNonce()}, err
}

// ParseCollection goes on with what Format gave. ErrOld when it was gathered for another set.
func ParseCollection(set *Set, plain []byte) (*Collection, error) {
	var was collected
	if canon.Unmarshal(plain, &was) != nil {
		return nil, errors.New("gathered shares: damaged")
	}
	if !was.Set.same(set.Name) {
		return nil, fmt.Errorf("gathered shares: %w (%s)", ErrOld, was.Set)
	}
	key, err := ParseKey(was.Key)
	if err != nil {
		return nil, err
	}
	c := &Collection{set: set, key: key, nonce: was.Nonce}
	for _, share := range was.Shares {
		if err := c.keep(share); err != nil {
			return nil, fmt.Errorf("gathered shares: %w", err)
		}
	}
	return c, nil
}

// keep takes back a share that was taken once.
func (c *Collection) keep(share Share) error {
	if err := c.admit(Submission{Set: share.Set, Index: share.Index, Party: share.Party}); err != nil {
		return err
	}
	plain, err := canon.Marshal(share)
	if err != nil {
		return err
	}
	if share, err = c.set.read(c.set.Shares[share.Index-1], plain); err == nil {
		c.shares = append(c.shares, share)
	}
	return err
}

// Format gives what ParseCollection goes on with.
func (c *Collection) Format() ([]byte, error) {
	key, err := c.key.Format()
	if err != nil {
		return nil, err
	}
	return canon.Marshal(collected{c.set.Name, key, c.nonce, c.shares})
}

// Request asks for shares. Its quote is for the caller to fill in, over Request.Report.
func (c *Collection) Request() Request {
	return Request{Version: 1, Origin: c.set.Name.Origin, Nonce: c.nonce, Key: c.key.Public()}
}

// Add takes one share. ErrForeign, ErrOld, ErrBad and ErrTwice, with the name of the member.
func (c *Collection) Add(s Submission) error {
	if err := c.admit(s); err != nil {
		return fmt.Errorf("%s: %w", s.Party, err)
	}
	plain, err := c.key.open(submissionPurpose(s.Set, s.Index), s.Body)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", s.Party, ErrBad, err)
	}
	share, err := c.set.read(c.set.Shares[s.Index-1], plain)
	if err != nil {
		return err
	}
	c.shares = append(c.shares, share)
	return nil
}

func (c *Collection) admit(s Submission) error {
	switch {
	case s.Set.Origin != c.set.Name.Origin:
		return fmt.Errorf("%w: of %.80q", ErrForeign, s.Set.Origin)
	case !s.Set.same(c.set.Name):
		return fmt.Errorf("%w: %s, wanted is %s", ErrOld, s.Set, c.set.Name)
	case s.Index < 1 || s.Index > len(c.set.Shares) || c.set.Shares[s.Index-1].Party != s.Party:
		return fmt.Errorf("%w: index %d", ErrForeign, s.Index)
	}
	for _, held := range c.shares {
		if held.Index == s.Index {
			return ErrTwice
		}
	}
	return nil
}

// Missing is how many shares are still needed.
func (c *Collection) Missing() int { return max(0, c.set.Threshold-len(c.shares)) }

// Waiting lists the members whose shares are not there.
func (c *Collection) Waiting() []domain.PartyID {
	var waiting []domain.PartyID
	for _, sealed := range c.set.Shares {
		there := false
		for _, held := range c.shares {
			there = there || held.Index == sealed.Index
		}
		if !there {
			waiting = append(waiting, sealed.Party)
		}
	}
	return waiting
}

// Open gives the secrets once enough shares are there.
func (c *Collection) Open() ([]byte, error) { return c.set.combine(c.shares) }
