package ubl

import (
	"strings"

	"aval/domain"
)

// Order is what a buyer orders. Amounts are expected ones, nil where the buyer names none.
type Order struct {
	ID       string          `json:"id"`
	TypeCode string          `json:"typeCode,omitempty"`
	Issued   domain.Date     `json:"issued,omitempty"`
	Currency domain.Currency `json:"currency,omitempty"`
	// ValidUntil is the last day on which the order may be taken, empty if it does not say.
	ValidUntil domain.Date `json:"validUntil,omitempty"`
	Notes      []string    `json:"notes,omitempty"`
	Contract   string      `json:"contract,omitempty"`
	Buyer      Party       `json:"buyer"`
	Supplier   Party       `json:"supplier"`
	// Place is where to deliver, From and To between which days.
	Place        Identifier  `json:"place,omitzero"`
	From         domain.Date `json:"from,omitempty"`
	To           domain.Date `json:"to,omitempty"`
	PaymentTerms []string    `json:"paymentTerms,omitempty"`
	Allowances   []Allowance `json:"allowances,omitempty"`
	Totals       Totals      `json:"totals"`
	Lines        []Line      `json:"lines"`
}

type orderXML struct {
	CustomizationID      text   `xml:"CustomizationID"`
	ID                   text   `xml:"ID"`
	IssueDate            text   `xml:"IssueDate"`
	OrderTypeCode        text   `xml:"OrderTypeCode"`
	Note                 []text `xml:"Note"`
	DocumentCurrencyCode text   `xml:"DocumentCurrencyCode"`
	ValidityPeriod       []struct {
		EndDate text `xml:"EndDate"`
	} `xml:"ValidityPeriod"`
	Contract            []reference        `xml:"Contract"`
	BuyerCustomerParty  *holder            `xml:"BuyerCustomerParty"`
	SellerSupplierParty *holder            `xml:"SellerSupplierParty"`
	Delivery            []orderDeliveryXML `xml:"Delivery"`
	PaymentTerms        []struct {
		Note []text `xml:"Note"`
	} `xml:"PaymentTerms"`
	AllowanceCharge []allowance    `xml:"AllowanceCharge"`
	TaxTotal        []taxTotal     `xml:"TaxTotal"`
	Total           *monetaryTotal `xml:"AnticipatedMonetaryTotal"`
	OrderLine       []struct {
		LineItem line `xml:"LineItem"`
	} `xml:"OrderLine"`
}

type orderDeliveryXML struct {
	DeliveryLocation struct {
		ID *identifier `xml:"ID"`
	} `xml:"DeliveryLocation"`
	Period struct {
		StartDate text `xml:"StartDate"`
		EndDate   text `xml:"EndDate"`
	} `xml:"RequestedDeliveryPeriod"`
}

func (x *orderXML) check() error {
	return bound(
		list{"OrderLine", len(x.OrderLine), MaxLines}, list{"Note", len(x.Note), MaxList},
		list{"AllowanceCharge", len(x.AllowanceCharge), MaxList}, list{"Delivery", len(x.Delivery), MaxList},
	)
}

func (x *orderXML) plain(r *report) *Order {
	s := &sums{
		report: r, rules: orderRules, currency: domain.Currency(x.DocumentCurrencyCode), order: true, total: "/cac:AnticipatedMonetaryTotal",
		line: "/cac:OrderLine[%d]/cac:LineItem", allowances: x.AllowanceCharge, taxes: x.TaxTotal, totals: x.Total,
		peppol: strings.Contains(string(x.CustomizationID), "urn:fdc:peppol"),
	}
	for _, l := range x.OrderLine {
		s.lines = append(s.lines, l.LineItem)
	}
	o := &Order{
		ID: string(x.ID), TypeCode: string(x.OrderTypeCode), Issued: r.day(x.IssueDate, "/cbc:IssueDate"), Currency: s.currency,
		Notes: strung(x.Note), Buyer: x.BuyerCustomerParty.plain(), Supplier: x.SellerSupplierParty.plain(),
	}
	for _, period := range x.ValidityPeriod {
		o.ValidUntil = r.day(period.EndDate, "/cac:ValidityPeriod/cbc:EndDate")
	}
	for _, contract := range x.Contract {
		o.Contract = string(contract.ID)
	}
	for _, d := range x.Delivery {
		o.Place = d.DeliveryLocation.ID.plain()
		o.From = r.day(d.Period.StartDate, "/cac:Delivery/cac:RequestedDeliveryPeriod/cbc:StartDate")
		o.To = r.day(d.Period.EndDate, "/cac:Delivery/cac:RequestedDeliveryPeriod/cbc:EndDate")
	}
	for _, terms := range x.PaymentTerms {
		o.PaymentTerms = append(o.PaymentTerms, strung(terms.Note)...)
	}
	s.checkCurrency()
	o.Allowances = s.plainAllowances(x.AllowanceCharge, "", "", "")
	o.Totals, o.Lines = s.plainTotals(), s.plainLines()
	s.checkTotals()
	s.checkAllowances(s.allowances, "")
	s.checkLines()
	return o
}
