package invoice

import "aval/domain"

// The states of a dispute.
const (
	DisputeOpen      = "open"
	DisputeDecided   = "decided"   // the supplier paid something for it
	DisputeWithdrawn = "withdrawn" // the buyer dropped it
	DisputeTimedOut  = "timedOut"
)

// Dispute is the record dispute/<invoice>: evidence was withdrawn after the invoice was
// unconditional. It touches neither the debt nor what was paid; what the supplier pays for it is a payment of its own.
type Dispute struct {
	Invoice  string `json:"invoice"`
	Shipment string `json:"shipment"`
	// Device is who withdrew.
	Device   string          `json:"device"`
	Status   string          `json:"status"`
	Supplier domain.PartyID  `json:"supplier"`
	Buyer    domain.PartyID  `json:"buyer"`
	Currency domain.Currency `json:"currency"`
	// AfterPayment says that money had been paid.
	AfterPayment bool          `json:"afterPayment,omitempty"`
	AnswerAt     domain.Millis `json:"answerAt,omitempty"`
	// Compensation is what the supplier paid, in minor units.
	Compensation int64 `json:"compensation,omitempty"`
}

// Compensation is the body of compensate.
type Compensation struct {
	Amount domain.Money `json:"amount"`
}

func disputeKey(invoice string) string { return "dispute/" + invoice }

// dispute opens one, once for an invoice.
func (d *draft) dispute(b *Bill, s *Shipment, device string) {
	if d.taken(disputeKey(b.ID)) {
		return
	}
	q := Dispute{
		Invoice: b.ID, Shipment: s.ID, Device: device, Status: DisputeOpen, Supplier: b.Payment.Supplier, Buyer: b.Payment.Buyer,
		Currency: b.Payment.Currency, AfterPayment: b.Paid > 0, AnswerAt: d.in.Now + b.Payment.ResponseMillis,
	}
	q.save(d)
	d.event("DisputeOpened", disputeKey(b.ID), q, q.Supplier, q.Buyer)
}

func (q Dispute) save(d *draft) {
	put(d, disputeKey(q.Invoice), q, q.Status, q.Status != DisputeOpen, q.Supplier, q.Buyer)
	d.deadline(q.Invoice, elapse, q.AnswerAt)
}

// quarrel loads an open dispute for its parties or for a deadline.
func (d *draft) quarrel() (Dispute, error) {
	id := d.in.Command.Contract
	q, found, err := domain.Load[Dispute](d.view, disputeKey(id))
	if err != nil {
		return q, err
	}
	if !found || !d.in.FromDeadline() && d.in.Sender != q.Supplier && d.in.Sender != q.Buyer {
		return q, domain.Refuse(domain.NotFound, "dispute %.64q: none of yours is open", id)
	}
	return q, nil
}

// compensate ends a dispute by a payment of the supplier, from its own account.
func (d *draft) compensate() error {
	var body Compensation
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	q, err := d.quarrel()
	if err != nil {
		return err
	}
	if err := d.only("supplier", q.Supplier); err != nil {
		return err
	}
	if err := body.Amount.CheckPositive("amount"); err != nil {
		return err
	}
	if body.Amount.Currency != q.Currency {
		return domain.Refuse(domain.CurrencyMismatch, "amount is in %s, the invoice in %s", body.Amount.Currency, q.Currency)
	}
	if d.balance(domain.PartyAccount(q.Supplier), q.Currency) < body.Amount.Minor {
		return domain.Refuse(domain.InsufficientFunds, "amount: more than your account holds")
	}
	q.Compensation = body.Amount.Minor
	d.move("compensation", domain.PartyAccount(q.Supplier), domain.PartyAccount(q.Buyer), body.Amount.Minor, q.Currency)
	if err := d.disputeLost(q.Invoice); err != nil {
		return err
	}
	return d.resolve(q, DisputeDecided)
}

// drop ends a dispute by the buyer's word.
func (d *draft) drop() error {
	q, err := d.quarrel()
	if err != nil {
		return err
	}
	if err := d.only("buyer", q.Buyer); err != nil {
		return err
	}
	return d.resolve(q, DisputeWithdrawn)
}

// elapse ends a dispute that nobody settled: it leaves everything as it is.
func (d *draft) elapse() error {
	q, err := d.quarrel()
	if err != nil {
		return err
	}
	return d.resolve(q, DisputeTimedOut)
}

func (d *draft) resolve(q Dispute, status string) error {
	q.Status, q.AnswerAt = status, 0
	d.event("DisputeEnded", disputeKey(q.Invoice), q, q.Supplier, q.Buyer)
	q.save(d)
	return nil
}
