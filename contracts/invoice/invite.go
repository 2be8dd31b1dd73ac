package invoice

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"aval/contracts/invoice/fingerprint"
	"aval/domain"
)

// Limits of financing.
const (
	// MaxInvited bounds the financiers that are asked about one receivable.
	MaxInvited = 16
	// MaxOffer bounds how long an offer stands: 30 days.
	MaxOffer domain.Millis = 30 * Day
	// Reservation is how long a reservation lasts without the advance: 2 days.
	Reservation domain.Millis = 2 * Day
)

// Inviting is the body of invite.
type Inviting struct {
	Financiers []domain.PartyID `json:"financiers"`
	// Seed is fingerprint.SeedBytes of chance, for this invoice alone. Only the first invitation needs it.
	Seed []byte `json:"seed,omitempty"`
}

// listed says what financiers and registry are told: a fingerprint and a status.
type listed struct {
	Fingerprint string `json:"fingerprint"`
	Status      string `json:"status"`
}

// invite asks financiers about an approved invoice. They are shown its fingerprint and nothing else.
func (d *draft) invite() error {
	var body Inviting
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	b, err := d.assignable()
	if err != nil {
		return err
	}
	if err := checkInvited(body.Financiers, d.in.Registry); err != nil {
		return err
	}
	r, err := d.pledge(b, body.Seed)
	if err != nil {
		return err
	}
	r.Invited = body.Financiers
	d.receivables.touch(r)
	if r.Fingerprint == "" {
		return nil // the registry is asked first
	}
	return d.list(r)
}

// assignable loads an approved invoice whose supplier may dispose of it.
func (d *draft) assignable() (*Bill, error) {
	b, err := d.bill(Approved)
	if err != nil {
		return nil, err
	}
	if err := d.only("supplier", b.Payment.Supplier); err != nil {
		return nil, err
	}
	if b.Instruction != nil {
		return nil, domain.Refuse(domain.WrongState, "the payment of the invoice is under way")
	}
	return b, nil
}

func checkInvited(financiers []domain.PartyID, registry domain.Registry) error {
	if len(financiers) == 0 || len(financiers) > MaxInvited {
		return domain.Refuse(domain.LimitExceeded, "financiers: %d, want 1 to %d", len(financiers), MaxInvited)
	}
	for i, id := range financiers {
		party, known := registry.Party(id)
		if !known || !slices.Contains(party.Roles, domain.RoleFinancier) || slices.Contains(financiers[:i], id) {
			return domain.Refuse(domain.NotPermitted, "financiers: number %d is not a registered financier, or stands twice", i+1)
		}
	}
	return nil
}

// pledge gives the receivable of an invoice a record, and its fingerprint if no registry is asked.
func (d *draft) pledge(b *Bill, seed []byte) (*Receivable, error) {
	r, err := d.receivable(b)
	if err != nil {
		return nil, err
	}
	if r != nil && !r.free() {
		return nil, domain.Refuse(domain.WrongState, "the receivable is %s", r.Status)
	}
	if r != nil {
		return r, nil
	}
	if len(seed) != fingerprint.SeedBytes {
		return nil, domain.Refuse(domain.Malformed, "seed: %d bytes, want %d", len(seed), fingerprint.SeedBytes)
	}
	b.Pledged = true
	d.bills.touch(b)
	r = d.receivables.add(receivableKey(b.ID), Receivable{
		Invoice: b.ID, Status: Free, Controller: b.Payment.Supplier, Supplier: b.Payment.Supplier, Buyer: b.Payment.Buyer,
		Currency: b.Payment.Currency, Due: b.remaining(), ApprovedOn: b.ApprovedOn, DueOn: b.DueOn, Seed: seed,
		Calendar: b.Payment.calendar(),
	})
	if s := b.Payment.Debt; s != nil && s.Registry != nil {
		id := b.identity()
		r.Registry, r.RegistryKey, r.Identity = s.Registry.Party, s.Registry.PublicKey, &id
		return r, d.ask(b, r)
	}
	// Without a registry the mark is known to this ledger alone, and says nothing to who has not the seed.
	mac := hmac.New(sha256.New, seed)
	mac.Write([]byte(b.ID))
	r.Fingerprint, r.Cleared = hex.EncodeToString(mac.Sum(nil)), true
	if d.taken(fingerprintKey(r.Fingerprint)) {
		return nil, domain.Refuse(domain.AlreadyExists, "seed: it was used before")
	}
	return r, nil
}

// list shows a receivable to those that are invited.
func (d *draft) list(r *Receivable) error {
	if r.Elsewhere {
		return domain.Refuse(domain.WrongState, "the registry reports the receivable as financed elsewhere")
	}
	r.Status = Offered
	d.receivables.touch(r)
	d.event("ReceivableListed", fingerprintKey(r.Fingerprint), listed{r.Fingerprint, r.Status}, append([]domain.PartyID{r.Supplier, r.Registry}, r.Invited...)...)
	return nil
}
