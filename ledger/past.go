package ledger

import (
	"aval/domain"
	"aval/domain/canon"
)

// past reads committed entries, of which it remembers the last: contract and engine ask about
// the same one.
type past struct {
	archive Archive
	vault   *vault
	known   bool
	index   uint64
	// last is entry index; nil for a seal leaf and for what is not there.
	last *entry
}

// posting finds one posting of an entry that is on disk.
func (p *past) posting(ref domain.PostingRef) (found domain.Posting, ok bool, err error) {
	e, err := p.entry(ref.Index)
	if err != nil || e == nil {
		return found, false, err
	}
	found, ok = numbered(e.Postings, ref.Number)
	return found, ok, nil
}

// entry gives an entry that is on disk; nil for a seal leaf and for what is not there.
func (p *past) entry(index uint64) (*entry, error) {
	if !p.known || p.index != index {
		p.known, p.index, p.last = true, index, nil
		if err := p.archive.Entries(index, 1, p.read); err != nil {
			p.known = false
			return nil, err
		}
	}
	return p.last, nil
}

func (p *past) read(s StoredEntry) error {
	if s.Index != p.index || len(s.Body) == 0 {
		return nil
	}
	body, err := p.vault.openEntry(s.Index, s.Body)
	if err != nil {
		return err
	}
	p.last = &entry{}
	return canon.Decode(body, p.last) // the vault's bodies are the engine's own
}

func numbered(postings []domain.Posting, number int) (domain.Posting, bool) {
	if number < 0 || number >= len(postings) {
		return domain.Posting{}, false
	}
	return postings[number], true
}
