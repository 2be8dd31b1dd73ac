package ubl

// The elements of an invoice, a credit note or an order that carry money, as they stand in the file.

// category is a VAT category with its rate.
type category struct {
	ID      text    `xml:"ID"`
	Percent *number `xml:"Percent"`
}

// allowance is a discount or a charge of a document, a line or a price.
type allowance struct {
	ChargeIndicator text        `xml:"ChargeIndicator"`
	ReasonCode      text        `xml:"AllowanceChargeReasonCode"`
	Reason          []text      `xml:"AllowanceChargeReason"`
	Multiplier      *number     `xml:"MultiplierFactorNumeric"`
	Amount          *amount     `xml:"Amount"`
	BaseAmount      *amount     `xml:"BaseAmount"`
	TaxCategory     []*category `xml:"TaxCategory"`
}

// charge says whether it raises the sum; XML Schema writes a truth as true or 1.
func (a allowance) charge() bool { return a.ChargeIndicator == "true" || a.ChargeIndicator == "1" }

type price struct {
	PriceAmount     *amount     `xml:"PriceAmount"`
	BaseQuantity    *quantity   `xml:"BaseQuantity"`
	AllowanceCharge []allowance `xml:"AllowanceCharge"`
}

// line is a line of an invoice, of a credit note or, without its OrderLine around it, of an order.
type line struct {
	ID                  text        `xml:"ID"`
	Note                []text      `xml:"Note"`
	InvoicedQuantity    *quantity   `xml:"InvoicedQuantity"`
	CreditedQuantity    *quantity   `xml:"CreditedQuantity"`
	Quantity            *quantity   `xml:"Quantity"`
	LineExtensionAmount *amount     `xml:"LineExtensionAmount"`
	OrderLineReference  []lineOf    `xml:"OrderLineReference"`
	AllowanceCharge     []allowance `xml:"AllowanceCharge"`
	Item                item        `xml:"Item"`
	Price               *price      `xml:"Price"`
}

// lineOf names a line of another document.
type lineOf struct {
	LineID         text `xml:"LineID"`
	OrderReference struct {
		ID text `xml:"ID"`
	} `xml:"OrderReference"`
	DocumentReference struct {
		ID text `xml:"ID"`
	} `xml:"DocumentReference"`
}

// counted is the quantity that a document of this kind has.
func (l line) counted() *quantity {
	switch {
	case l.InvoicedQuantity != nil:
		return l.InvoicedQuantity
	case l.CreditedQuantity != nil:
		return l.CreditedQuantity
	}
	return l.Quantity
}

type subtotal struct {
	TaxableAmount *amount  `xml:"TaxableAmount"`
	TaxAmount     *amount  `xml:"TaxAmount"`
	TaxCategory   category `xml:"TaxCategory"`
}

type taxTotal struct {
	TaxAmount   *amount    `xml:"TaxAmount"`
	TaxSubtotal []subtotal `xml:"TaxSubtotal"`
}

type monetaryTotal struct {
	LineExtensionAmount   *amount `xml:"LineExtensionAmount"`
	TaxExclusiveAmount    *amount `xml:"TaxExclusiveAmount"`
	TaxInclusiveAmount    *amount `xml:"TaxInclusiveAmount"`
	AllowanceTotalAmount  *amount `xml:"AllowanceTotalAmount"`
	ChargeTotalAmount     *amount `xml:"ChargeTotalAmount"`
	PrepaidAmount         *amount `xml:"PrepaidAmount"`
	PayableRoundingAmount *amount `xml:"PayableRoundingAmount"`
	PayableAmount         *amount `xml:"PayableAmount"`
}
