package ubl

import "aval/domain"

// Invoice is an invoice or a credit note. Amounts are in minor units, as declared; nil is missing or unreadable.
type Invoice struct {
	// Number is BT-1, TypeCode BT-3 of UNTDID 1001: 380 invoice, 381 credit note, 384 corrected, 386 prepayment, 393 factored.
	Number   string      `json:"number"`
	TypeCode string      `json:"typeCode"`
	Issued   domain.Date `json:"issued,omitempty"`
	// Due is BT-9, empty if the document leaves it to terms.
	Due domain.Date `json:"due,omitempty"`
	// Currency is BT-5, in which all amounts are; AccountingCurrency is BT-6, in which VAT is accounted for if it is another one.
	Currency           domain.Currency `json:"currency"`
	AccountingCurrency domain.Currency `json:"accountingCurrency,omitempty"`
	Notes              []string        `json:"notes,omitempty"`
	// BuyerReference is BT-10, Order BT-13, SalesOrder BT-14, Contract BT-12.
	BuyerReference string `json:"buyerReference,omitempty"`
	Order          string `json:"order,omitempty"`
	SalesOrder     string `json:"salesOrder,omitempty"`
	Contract       string `json:"contract,omitempty"`
	// Despatches are BT-16, Receipts BT-15, Preceding BT-25: what a credit note credits. They are claims.
	Despatches []Reference `json:"despatches,omitempty"`
	Receipts   []Reference `json:"receipts,omitempty"`
	Preceding  []Reference `json:"preceding,omitempty"`
	// Delivered is BT-72, Place BT-71. Claims too.
	Delivered domain.Date `json:"delivered,omitempty"`
	Place     Identifier  `json:"place,omitzero"`
	Supplier  Party       `json:"supplier"`
	Buyer     Party       `json:"buyer"`
	// Payee is BG-10, nil where the supplier is paid itself.
	Payee    *Party    `json:"payee,omitempty"`
	Payments []Payment `json:"payments,omitempty"`
	// PaymentTerms is BT-20, for people.
	PaymentTerms []string    `json:"paymentTerms,omitempty"`
	Allowances   []Allowance `json:"allowances,omitempty"`
	VAT          []VAT       `json:"vat,omitempty"`
	Totals       Totals      `json:"totals"`
	Lines        []Line      `json:"lines"`
}

// Payment is BG-16: how and where to pay.
type Payment struct {
	// Code is BT-81 of UNTDID 4461: 30 and 58 are credit transfers.
	Code string `json:"code,omitempty"`
	// IDs are BT-83, the reference to pay with.
	IDs []string `json:"ids,omitempty"`
	// Account is BT-84, an IBAN or any other number, without the spaces that people put into it; Name is BT-85, BIC is BT-86.
	Account string `json:"account,omitempty"`
	Name    string `json:"name,omitempty"`
	BIC     string `json:"bic,omitempty"`
}

// Totals are BG-22 and BT-110.
type Totals struct {
	Lines      *domain.Money `json:"lines,omitempty"`
	Allowances *domain.Money `json:"allowances,omitempty"`
	Charges    *domain.Money `json:"charges,omitempty"`
	Net        *domain.Money `json:"net,omitempty"`
	VAT        *domain.Money `json:"vat,omitempty"`
	Gross      *domain.Money `json:"gross,omitempty"`
	Prepaid    *domain.Money `json:"prepaid,omitempty"`
	Rounding   *domain.Money `json:"rounding,omitempty"`
	// Payable is BT-115 as declared, negative in an invoice that gives money back.
	Payable *domain.Money `json:"payable,omitempty"`
}

// Allowance is a discount, or a charge, of the document or of a line.
type Allowance struct {
	Charge bool          `json:"charge,omitempty"`
	Code   string        `json:"code,omitempty"`
	Reason string        `json:"reason,omitempty"`
	Amount *domain.Money `json:"amount,omitempty"`
}

// VAT is one row of the breakdown, BG-23.
type VAT struct {
	Category string `json:"category"`
	// Percent is the rate as written, empty where none applies.
	Percent string        `json:"percent,omitempty"`
	Taxable *domain.Money `json:"taxable,omitempty"`
	Tax     *domain.Money `json:"tax,omitempty"`
}

// Line is a line of an invoice, a credit note or an order.
type Line struct {
	ID   string `json:"id"`
	Item Item   `json:"item"`
	// Quantity is BT-129 with its unit.
	Quantity *Quantity `json:"quantity,omitempty"`
	// Price is BT-146 for PriceBase items, an exact decimal in major units: prices may have more decimals than money.
	Price     string `json:"price,omitempty"`
	PriceBase string `json:"priceBase,omitempty"`
	// Net is BT-131.
	Net *domain.Money `json:"net,omitempty"`
	// OrderLine is BT-132, Order the order it stands in if the line says so.
	OrderLine  string      `json:"orderLine,omitempty"`
	Order      string      `json:"order,omitempty"`
	Allowances []Allowance `json:"allowances,omitempty"`
}
