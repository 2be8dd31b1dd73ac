package invoice

import (
	"crypto/sha256"
	"encoding/hex"

	"aval/contracts/invoice/fingerprint"
	"aval/domain"
)

// Asked is the record request/<hash of the seed>: what a registry is asked. It sees the two
// blinded elements, and not even the name of the invoice.
type Asked struct {
	Invoice  string              `json:"invoice"`
	Registry domain.PartyID      `json:"registry"`
	Request  fingerprint.Request `json:"request"`
}

func requestKey(seed []byte) string {
	sum := sha256.Sum256(seed)
	return "request/" + hex.EncodeToString(sum[:])
}

// ask makes the request for a receivable's fingerprint, out of the invoice as it was declared.
func (d *draft) ask(b *Bill, r *Receivable) error {
	request, err := fingerprint.Blind(b.identity(), r.Seed)
	if err != nil {
		return err
	}
	key := requestKey(r.Seed)
	if d.taken(key) {
		return domain.Refuse(domain.AlreadyExists, "seed: it was used before")
	}
	put(d, key, Asked{b.ID, r.Registry, request}, "asked", false, r.Supplier, r.Registry)
	d.event("FingerprintAsked", key, request, r.Supplier, r.Registry)
	return nil
}

// evaluate is the registry's answer: the contract checks its proof and learns the fingerprint.
func (d *draft) evaluate() error {
	var answer fingerprint.Answer
	if err := d.in.Command.DecodeBody(&answer); err != nil {
		return err
	}
	key := "request/" + d.in.Command.Contract
	asked, found, err := domain.Load[Asked](d.view, key)
	if err != nil {
		return err
	}
	if !found || asked.Registry != d.in.Sender {
		return domain.Refuse(domain.NotFound, "request %.64q: none waits for you", d.in.Command.Contract)
	}
	r, _, err := d.receivables.fetch(d.view, receivableKey(asked.Invoice))
	if err != nil {
		return err
	}
	if r == nil { // the invoice was settled meanwhile
		put(d, key, asked, "idle", true, d.in.Sender)
		return nil
	}
	pair, err := fingerprint.Open(r.RegistryKey, *r.Identity, r.Seed, answer)
	if err != nil {
		return err
	}
	put(d, key, asked, "answered", true, r.Supplier, r.Registry)
	return d.mark(r, pair)
}

// mark gives a receivable its fingerprint, and says what is known under it.
func (d *draft) mark(r *Receivable, pair fingerprint.Pair) error {
	d.receivables.touch(r)
	known, found, err := domain.Load[Mark](d.view, fingerprintKey(pair.Exact))
	if err != nil {
		return err
	}
	switch {
	case found && known.Invoice == "" && known.Status == elsewhere:
		r.Elsewhere = true
	case d.taken(fingerprintKey(pair.Exact)): // of another invoice on this ledger
		r.Elsewhere = true
		d.event("FingerprintTaken", receivableKey(r.Invoice), listed{pair.Exact, elsewhere}, r.partners()...)
		return nil
	}
	r.Fingerprint = pair.Exact
	loose := "similar/" + pair.Loose
	other, similar, err := domain.Load[Similar](d.view, loose)
	if err != nil {
		return err
	}
	if r.Similar = similar && other.Fingerprint != pair.Exact; r.Similar {
		d.event("FingerprintSimilar", fingerprintKey(pair.Exact), listed{other.Fingerprint, r.Status}, r.Supplier, r.Registry)
	} else {
		put(d, loose, Similar{pair.Exact}, "open", false, r.Registry)
	}
	if len(r.Invited) > 0 && r.Status == Free && !r.Elsewhere {
		return d.list(r)
	}
	d.event("FingerprintKnown", fingerprintKey(pair.Exact), listed{pair.Exact, r.Status}, r.Supplier, r.Registry)
	return nil
}

// Similar is the record similar/<hex>: the first fingerprint among numbers that differ in leading zeros only.
type Similar struct {
	Fingerprint string `json:"fingerprint"`
}

// reporting loads the mark that the command names, for the registry of its receivable.
func (d *draft) reporting() (*Receivable, error) {
	r, err := d.marked(d.in.Command.Contract)
	if err == nil && (r == nil || r.Registry != d.in.Sender) {
		err = domain.Refuse(domain.NotFound, "fingerprint %.64q: none that asks you", d.in.Command.Contract)
	}
	return r, err
}

// clearMark is the registry's word that a receivable is financed nowhere else.
func (d *draft) clearMark() error {
	r, err := d.reporting()
	if err != nil {
		return err
	}
	if r.Elsewhere || r.Cleared {
		return domain.Refuse(domain.WrongState, "you have spoken about this fingerprint")
	}
	r.Cleared = true
	d.receivables.touch(r)
	d.event("FingerprintCleared", fingerprintKey(r.Fingerprint), listed{r.Fingerprint, r.Status}, append([]domain.PartyID{r.Registry}, r.partners()...)...)
	return nil
}

// report is the registry's word that a receivable is financed on another ledger. It stops a
// financing that has not been paid, and is a trigger of recourse for one that has.
func (d *draft) report() error {
	mark := d.in.Command.Contract
	r, err := d.marked(mark)
	if err != nil {
		return err
	}
	if r == nil {
		return d.foretell(mark)
	}
	if r.Registry != d.in.Sender {
		return domain.Refuse(domain.NotFound, "fingerprint %.64q: none that asks you", mark)
	}
	if r.Elsewhere {
		return domain.Refuse(domain.WrongState, "you have reported this fingerprint")
	}
	r.Elsewhere, r.Cleared = true, false
	d.receivables.touch(r)
	d.event("FinancedElsewhere", fingerprintKey(mark), listed{mark, elsewhere}, append([]domain.PartyID{r.Registry}, r.partners()...)...)
	if r.Status == Reserved {
		return d.free(r, "ReservationEnded")
	}
	return nil
}

// foretell keeps a report about what this ledger has not met yet.
func (d *draft) foretell(mark string) error {
	if raw, err := hex.DecodeString(mark); err != nil || len(raw) != fingerprint.Bytes || hex.EncodeToString(raw) != mark {
		return domain.Refuse(domain.Malformed, "fingerprint %.64q: want %d bytes in lower-case hexadecimal", mark, fingerprint.Bytes)
	}
	if !d.in.Has(domain.RoleOracle) {
		return domain.Refuse(domain.NotFound, "fingerprint %.64q: none that asks you", mark)
	}
	if d.taken(fingerprintKey(mark)) {
		return domain.Refuse(domain.AlreadyExists, "fingerprint %s is known", mark)
	}
	put(d, fingerprintKey(mark), Mark{Fingerprint: mark, Status: elsewhere}, elsewhere, false, d.in.Sender)
	d.event("FinancedElsewhere", fingerprintKey(mark), listed{mark, elsewhere}, d.in.Sender)
	return nil
}
