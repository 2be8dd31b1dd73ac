package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"aval/contracts/cash"
	"aval/contracts/cash/iso20022"
	"aval/domain"
)

// messageFile is the pain.001 of the demonstration, beside the node's folder.
const messageFile = "pain001.xml"

// Accounts outside. The numbers are examples of the IBAN registry.
var (
	supplierAccount = cash.Account{IBAN: "NO9386011117947", BIC: "DNBANOKKXXX", Name: "Fjordlaks Bergen AS"}
	bankAccount     = iso20022.Account{Name: "Hansabank Lübeck", Number: "DE89370400440532013000", BIC: "COBADEFFXXX"}
)

// payOut takes the first invoice's money off the ledger: the supplier redeems it, the bank orders it by a pain.001,
// and books what its own bank answers.
func (w *world) payOut(ctx context.Context, s *Summary) error {
	w.say("   the supplier redeems what it was paid, the bank orders it outside by pain.001")
	r, err := w.redeem(ctx, s.Invoices[0])
	if err != nil {
		return err
	}
	now := w.millis()
	i, text, err := cash.Instruct(origin, bank, now, domain.Day(now), bankAccount, []cash.Redemption{r})
	if err != nil {
		return err
	}
	if err := w.parties[bank].send(ctx, domain.CashKind, string(bank), "instruct", i); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(w.node.Folder.Dir), messageFile), text, 0o600); err != nil {
		return err
	}
	if err := w.hear(ctx, r); err != nil {
		return err
	}
	if r, err = w.redemption(ctx, r.ID); err != nil {
		return err
	}
	s.Payment = PaymentResult{
		Message: i.Message, EndToEndID: r.Payment.EndToEndID, Currency: r.Amount.Currency, AmountMinor: r.Amount.Minor, Status: r.Status,
	}
	return nil
}

// redeem pins the supplier's account, and asks for the invoice's money with the invoice in the message.
func (w *world) redeem(ctx context.Context, paid InvoiceResult) (cash.Redemption, error) {
	const id = "auszahlung-1"
	eur := func(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: paid.Currency} }
	steps := []struct {
		by   domain.PartyID
		name string
		body any
	}{
		{supplier, "payTo", map[string]any{"currency": paid.Currency, "account": supplierAccount}},
		{bank, "approvePayTo", map[string]any{"party": supplier, "currency": paid.Currency, "number": 1}},
		{supplier, "redeem", map[string]any{
			"id": id, "amount": eur(paid.PaidMinor), "reference": "RE-2026-0815", "ultimateDebtor": iso20022.Party{Name: "Kellermann Feinkost GmbH"},
			"documents": []iso20022.Document{{
				Type: iso20022.InvoiceDocument, Number: "RE-2026-0815", Due: eur(paid.PayableMinor), Remitted: eur(paid.PaidMinor),
				Adjustments: []iso20022.Adjustment{{Amount: eur(paid.PenaltyMinor), Reason: "TEMP", Text: "above 6 degrees on the way"}},
			}},
		}},
	}
	for _, step := range steps {
		if err := w.parties[step.by].send(ctx, domain.CashKind, string(bank), step.name, step.body); err != nil {
			return cash.Redemption{}, fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return w.redemption(ctx, id)
}

func (w *world) redemption(ctx context.Context, id string) (cash.Redemption, error) {
	var record struct {
		Fields cash.Redemption `json:"fields"`
	}
	err := w.parties[bank].get(ctx, "/v1/contracts/"+string(domain.NewRecordID(domain.CashKind, "redemption/"+id)), &record)
	return record.Fields, err
}

// hear reads the notification of the bank's own bank and books it.
func (w *world) hear(ctx context.Context, r cash.Redemption) error {
	id, _ := cash.PaymentID(origin, bank, r.ID, 1)
	raw := notification(id, r.Amount)
	b, err := iso20022.ParseBookings(raw)
	if err != nil || len(b.Exceptions) > 0 {
		return fmt.Errorf("camt.054: %v, %v", err, b.Exceptions)
	}
	for _, e := range b.Entries {
		for _, t := range e.Transactions {
			err := w.parties[bank].send(ctx, domain.CashKind, r.ID, "book", cash.Booking{
				Advice: cash.Advice{Message: b.MessageID, Entry: t.Path, Hash: cash.MessageHash(raw), Attempt: 1, EndToEndID: t.EndToEndID},
				Amount: t.Amount, Direction: e.Direction, Account: e.Account, Status: e.Status, Reversal: e.Reversal, Returned: t.Returned,
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// notification is a camt.054 as the bank outside would send it.
func notification(id string, amount domain.Money) []byte {
	var currency, text string
	fmt.Sscan(amount.String(), &text, &currency)
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>
<GrpHdr><MsgId>CAMT-1</MsgId><CreDtTm>2015-01-02T12:00:00Z</CreDtTm></GrpHdr>
<Ntfctn><Id>CAMT-1-1</Id><Acct><Id><IBAN>%s</IBAN></Id></Acct>
<Ntry><Amt Ccy="%[2]s">%[3]s</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BkTxCd/>
<NtryDtls><TxDtls><Refs><EndToEndId>%[4]s</EndToEndId></Refs><Amt Ccy="%[2]s">%[3]s</Amt><CdtDbtInd>DBIT</CdtDbtInd></TxDtls></NtryDtls>
</Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>`, bankAccount.Number, currency, text, id)
}
