package iso20022

import "aval/domain"

// Initiation is a pain.001.001.09, a CustomerCreditTransferInitiation: one payment information block
// of credit transfers from one account on one day.
type Initiation struct {
	// MessageID is at most MaxID characters, and unique for ever: a bank that gets it twice refuses
	// the second as a duplicate. It is the ID of the block too.
	MessageID string
	// CreatedAt is when the message was made. Written in UTC.
	CreatedAt domain.Millis
	// ExecuteOn is the day on which the bank shall pay: a banking day of the debtor's.
	ExecuteOn domain.Date
	Debtor    Account
	// Transfers are 1 to MaxTransactions.
	Transfers []Transfer
}

// Account is where money comes from or goes to.
type Account struct {
	// Name is the holder's, 1 to 140 characters.
	Name string `json:"name"`
	// Number is an IBAN, or any other number of at most 34 characters.
	Number string `json:"number"`
	// BIC of the bank that keeps it. Empty for a debtor's bank that knows itself, and where the IBAN suffices.
	BIC string `json:"bic,omitempty"`
}

// Party is somebody behind a payer or payee.
type Party struct {
	Name string `json:"name"`
	// LEI is empty if there is none.
	LEI string `json:"lei,omitempty"`
}

// Transfer is one credit transfer.
type Transfer struct {
	// EndToEndID is at most MaxID characters; it comes back in camt.054. UETR is a UUID of version 4.
	EndToEndID, UETR string
	// InstructionID is empty if it is no other than EndToEndID.
	InstructionID string
	Amount        domain.Money
	Creditor      Account
	// UltimateDebtor owes what the debtor pays, UltimateCreditor is owed what the creditor gets. Nil where they are the same.
	UltimateDebtor, UltimateCreditor *Party
	// Note is text for the payee, at most 140 characters; empty for none.
	Note string
	// Documents are those that are paid, at most MaxDocuments.
	Documents []Document
}

// MaxDocuments bounds the documents that one transfer pays.
const MaxDocuments = 50

// Document is one that a transfer pays, so that the payee can see what was deducted and why.
type Document struct {
	// Type is CINV for an invoice, CREN for a credit note (DocumentType6Code).
	Type string `json:"type"`
	// Number is 1 to MaxID characters. Date is empty if it is not known.
	Number string      `json:"number"`
	Date   domain.Date `json:"date,omitempty"`
	// Due is what the document asks for, Remitted what this transfer pays of it.
	Due      domain.Money `json:"due"`
	Remitted domain.Money `json:"remitted"`
	// Discount and Credit are taken off. Zero for none; both in the currency of Due.
	Discount domain.Money `json:"discount,omitzero"`
	Credit   domain.Money `json:"credit,omitzero"`
	// Adjustments are taken off too, at most MaxAdjustments.
	Adjustments []Adjustment `json:"adjustments,omitempty"`
}

// MaxAdjustments bounds the adjustments of one document.
const MaxAdjustments = 10

// Adjustment is taken off a document for a reason.
type Adjustment struct {
	Amount domain.Money `json:"amount"`
	// Reason is a code of the two sides, 1 to 4 letters or digits. Text says it in at most 140 characters.
	Reason string `json:"reason"`
	Text   string `json:"text,omitempty"`
}

// The types of documents.
const (
	InvoiceDocument    = "CINV"
	CreditNoteDocument = "CREN"
)

// Check refuses a document whose amounts do not add up: due less all deductions is what is remitted. A
// document may be deducted down to nothing, but not below.
func (d Document) Check(field string) error {
	if d.Type != InvoiceDocument && d.Type != CreditNoteDocument {
		return domain.Refuse(domain.Malformed, "%s.type: want CINV or CREN", field)
	}
	if err := checkText(field+".number", d.Number, 1, MaxID); err != nil {
		return err
	}
	if d.Date != "" {
		if err := d.Date.Check(field + ".date"); err != nil {
			return err
		}
	}
	if err := d.Due.CheckPositive(field + ".due"); err != nil {
		return err
	}
	return d.checkSum(field)
}

func (d Document) checkSum(field string) error {
	if len(d.Adjustments) > MaxAdjustments {
		return domain.Refuse(domain.LimitExceeded, "%s.adjustments: %d, limit %d", field, len(d.Adjustments), MaxAdjustments)
	}
	left := d.Due
	for _, m := range []domain.Money{d.Discount, d.Credit} {
		if m == (domain.Money{}) {
			continue
		}
		if err := take(&left, m, field); err != nil {
			return err
		}
	}
	for _, a := range d.Adjustments {
		if err := checkText(field+".adjustments.reason", a.Reason, 1, 4); err != nil {
			return err
		}
		if err := checkText(field+".adjustments.text", a.Text, 0, 140); err != nil {
			return err
		}
		if err := take(&left, a.Amount, field); err != nil {
			return err
		}
	}
	if left.Minor < 0 || left != d.Remitted {
		return domain.Refuse(domain.InvalidTerms, "%s: due less what is taken off is not what is remitted", field)
	}
	return nil
}

func take(left *domain.Money, m domain.Money, field string) error {
	if err := m.CheckPositive(field); err != nil {
		return err
	}
	rest, err := left.Sub(m)
	*left = rest
	return err
}
