package invoice

import "aval/domain"

// Guarantee is the record guarantee/<invoice>: a bank's word to pay an approved invoice on
// its day if the buyer does not, with its money set aside. Once given it cannot be taken back,
// and nothing of the goods lowers it: what the buyer still disputes, it disputes with the supplier.
type Guarantee struct {
	Invoice string         `json:"invoice"`
	Bank    domain.PartyID `json:"bank"`
	Amount  domain.Money   `json:"amount"`
	// Payee is not kept: whoever is owed the invoice on its day is paid.
	Status string `json:"status"`
}

// The states of a guarantee.
const (
	Issued   = "issued"
	Honoured = "honoured"
	Released = "released" // the buyer paid
)

// Underwriting is the body of guarantee.
type Underwriting struct {
	// Amount is what is due, to the last minor unit.
	Amount domain.Money `json:"amount"`
}

func guaranteeKey(invoice string) string { return "guarantee/" + invoice }

func (u Guarantee) escrow() domain.AccountID {
	return domain.EscrowAccount(Kind, guaranteeKey(u.Invoice))
}

func (u Guarantee) save(d *draft, b *Bill) {
	put(d, guaranteeKey(u.Invoice), u, u.Status, u.Status != Issued, append(b.insiders(), u.Bank)...)
	d.heldFor(u.Bank)
}

// guarantee gives the bank's word. The bank knows the invoice from the parties; it must be approved.
func (d *draft) guarantee() error {
	var body Underwriting
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	b, found, err := d.bills.fetch(d.view, billKey(d.in.Command.Contract))
	if err != nil {
		return err
	}
	if !found || !d.in.Has(domain.RoleBank) || b.Status != Approved || !b.Payment.owed() || b.Payment.Debt.Guarantor != d.in.Sender {
		return domain.Refuse(domain.NotFound, "invoice %.64q: none on an open account waits for your guarantee", d.in.Command.Contract)
	}
	if b.Guarantor != "" {
		return domain.Refuse(domain.AlreadyExists, "the invoice has a guarantee")
	}
	if body.Amount != b.money(b.Cleared-b.Paid) {
		return domain.Refuse(domain.InvalidAmount, "amount: want exactly what is due")
	}
	account := domain.PartyAccount(d.in.Sender)
	if d.balance(account, b.Payment.Currency) < body.Amount.Minor {
		return domain.Refuse(domain.InsufficientFunds, "amount: more than your account holds")
	}
	u := Guarantee{Invoice: b.ID, Bank: d.in.Sender, Amount: body.Amount, Status: Issued}
	b.Guarantor = u.Bank
	d.bills.touch(b)
	u.save(d, b)
	d.move("guarantee", account, u.escrow(), body.Amount.Minor, body.Amount.Currency)
	d.event("GuaranteeIssued", guaranteeKey(b.ID), u, append(b.insiders(), u.Bank)...)
	return nil
}

func (d *draft) guaranteed(b *Bill) (Guarantee, error) {
	u, found, err := domain.Load[Guarantee](d.view, guaranteeKey(b.ID))
	if err == nil && !found {
		err = domain.Refuse(domain.NotFound, "the invoice has no guarantee")
	}
	return u, err
}

// honour pays out of the guarantee whoever the invoice is owed to; the debt is the bank's from then on.
func (d *draft) honour(b *Bill) error {
	u, err := d.guaranteed(b)
	if err != nil {
		return err
	}
	minor := min(u.Amount.Minor, b.Cleared-b.Paid)
	u.Status = Honoured
	u.save(d, b)
	d.event("GuaranteeHonoured", guaranteeKey(b.ID), u, append(b.insiders(), u.Bank)...)
	if err := d.payOut(b, u.escrow(), minor); err != nil {
		return err
	}
	b.Creditor = u.Bank
	d.event("DebtAssumed", billKey(b.ID), paidTo{b.money(minor), u.Bank}, b.informed()...)
	return nil
}

// dropGuarantee gives the bank its money back once the buyer has paid.
func (d *draft) dropGuarantee(b *Bill) error {
	if b.Guarantor == "" || b.Creditor != "" {
		return nil
	}
	u, err := d.guaranteed(b)
	if err != nil {
		return err
	}
	u.Status = Released
	u.save(d, b)
	d.move("release", u.escrow(), domain.PartyAccount(u.Bank), u.Amount.Minor, u.Amount.Currency)
	d.event("GuaranteeReleased", guaranteeKey(b.ID), u, append(b.insiders(), u.Bank)...)
	return nil
}
