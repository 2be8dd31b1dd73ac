package invoice

import "aval/domain"

// Notice is the body of suspend: which side is insolvent, "supplier" or "buyer".
type Notice struct {
	Insolvent string `json:"insolvent"`
}

// The sides of an agreement.
const (
	TheSupplier = "supplier"
	TheBuyer    = "buyer"
)

// Appointment is the body of appoint and endorse: who is paid in the place of an insolvent supplier.
type Appointment struct {
	Administrator domain.PartyID `json:"administrator"`
}

// Suspension is what stands against an agreement by notice of the agreed authority.
type Suspension struct {
	Insolvent string        `json:"insolvent"`
	Since     domain.Millis `json:"since"`
	// Administrator was appointed by the authority, and is paid once the buyer has confirmed it:
	// an account is changed by two.
	Administrator domain.PartyID `json:"administrator,omitempty"`
	Confirmed     bool           `json:"confirmed,omitempty"`
}

// authorised loads an agreement for its authority.
func (d *draft) authorised() (*Agreement, error) {
	a, err := d.agreement(d.in.Command.Contract)
	if err != nil {
		return nil, err
	}
	if a.Terms.Authority == "" || d.in.Sender != a.Terms.Authority {
		return nil, domain.Refuse(domain.NotPermitted, "only the agreed authority may %s", d.in.Command.Name)
	}
	return a, nil
}

// suspend freezes an agreement on the signed notice of the agreed authority.
func (d *draft) suspend() error {
	var body Notice
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	a, err := d.authorised()
	if err != nil {
		return err
	}
	if body.Insolvent != TheSupplier && body.Insolvent != TheBuyer {
		return domain.Refuse(domain.Malformed, "insolvent %.20q is neither %s nor %s", body.Insolvent, TheSupplier, TheBuyer)
	}
	if a.Status != Agreed && a.Status != Terminated || a.Suspension != nil {
		return domain.Refuse(domain.WrongState, "agreement is %s or suspended", a.Status)
	}
	a.Suspension = &Suspension{Insolvent: body.Insolvent, Since: d.in.Now}
	d.agreements.touch(a)
	d.event("AgreementSuspended", agreementKey(a.ID), *a.Suspension, a.everybody()...)
	return nil
}

// resume lifts the suspension.
func (d *draft) resume() error {
	a, err := d.authorised()
	if err != nil {
		return err
	}
	if a.Suspension == nil {
		return domain.Refuse(domain.WrongState, "agreement is not suspended")
	}
	a.Suspension = nil
	d.agreements.touch(a)
	a.event(d, "AgreementResumed", d.in.Sender)
	return nil
}

// appoint names who is paid for an insolvent supplier.
func (d *draft) appoint() error {
	var body Appointment
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	a, err := d.authorised()
	if err != nil {
		return err
	}
	if a.Suspension == nil || a.Suspension.Insolvent != TheSupplier {
		return domain.Refuse(domain.WrongState, "the supplier is not suspended")
	}
	if _, known := d.in.Registry.Party(body.Administrator); !known || body.Administrator == a.Terms.Buyer {
		return domain.Refuse(domain.NotFound, "administrator: %.80q is not registered, or is the buyer", body.Administrator)
	}
	a.Suspension.Administrator, a.Suspension.Confirmed = body.Administrator, false
	d.agreements.touch(a)
	d.event("AdministratorAppointed", agreementKey(a.ID), body, a.everybody()...)
	return nil
}

// endorse is the buyer's second approval of the administrator.
func (d *draft) endorse() error {
	var body Appointment
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	a, err := d.agreement(d.in.Command.Contract)
	if err != nil {
		return err
	}
	if err := d.only("buyer", a.Terms.Buyer); err != nil {
		return err
	}
	s := a.Suspension
	if s == nil || s.Administrator == "" || s.Administrator != body.Administrator || s.Confirmed {
		return domain.Refuse(domain.WrongState, "no such administrator waits for your word")
	}
	s.Confirmed = true
	d.agreements.touch(a)
	d.event("AdministratorConfirmed", agreementKey(a.ID), body, a.everybody()...)
	return nil
}

// redirect says who is paid in the place of a supplier: itself, or its confirmed administrator.
func (d *draft) redirect(b *Bill) (domain.PartyID, error) {
	a, found, err := d.agreements.fetch(d.view, agreementKey(b.Agreement))
	if err != nil || !found || a.Suspension == nil || !a.Suspension.Confirmed {
		return b.Payment.Supplier, err
	}
	return a.Suspension.Administrator, nil
}

// frozen says whether a suspension stops the payment of an invoice. Who holds its claim by assignment is
// paid all the same, and what a bank undertook is too.
func (d *draft) frozen(b *Bill) (bool, error) {
	a, found, err := d.agreements.fetch(d.view, agreementKey(b.Agreement))
	if err != nil || !found || a.Suspension == nil || b.Creditor != "" {
		return false, err
	}
	r, err := d.receivable(b)
	if err != nil || r != nil && r.noticed() {
		return false, err
	}
	if a.Suspension.Insolvent == TheBuyer {
		return b.Payment.Settlement != Undertaking, nil
	}
	return !a.Suspension.Confirmed, nil
}
