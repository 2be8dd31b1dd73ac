package ledger

import (
	"aval/domain"
	"aval/domain/canon"
)

// past reads postings of committed entries, of which it remembers the last: contract and
// engine ask about the same one.
type past struct {
	archive Archive
	vault   *vault
	known   bool
	index   uint64
	// postings are those of entry index; none for a seal leaf and for what is not there.
	postings []domain.Posting
}

// posting finds one posting of an entry that is on disk.
func (p *past) posting(ref domain.PostingRef) (found domain.Posting, ok bool, err error) {
	if !p.known || p.index != ref.Index {
		p.known, p.index, p.postings = true, ref.Index, nil
		if err := p.archive.Entries(ref.Index, 1, p.read); err != nil {
			p.known = false
			return found, false, err
		}
	}
	found, ok = numbered(p.postings, ref.Number)
	return found, ok, nil
}

func (p *past) read(s StoredEntry) error {
	if s.Index != p.index || len(s.Body) == 0 {
		return nil
	}
	body, err := p.vault.open(entryPlace(s.Index), s.Body)
	if err != nil {
		return err
	}
	var e entry
	err = canon.Decode(body, &e) // the vault's bodies are the engine's own
	p.postings = e.Postings
	return err
}

func numbered(postings []domain.Posting, number int) (domain.Posting, bool) {
	if number < 0 || number >= len(postings) {
		return domain.Posting{}, false
	}
	return postings[number], true
}
