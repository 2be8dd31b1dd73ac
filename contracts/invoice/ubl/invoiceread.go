package ubl

import (
	"fmt"
	"strings"

	"aval/domain"
)

// invoiceXML is an Invoice or a CreditNote.
type invoiceXML struct {
	CustomizationID      text   `xml:"CustomizationID"`
	ID                   text   `xml:"ID"`
	IssueDate            text   `xml:"IssueDate"`
	DueDate              text   `xml:"DueDate"`
	InvoiceTypeCode      text   `xml:"InvoiceTypeCode"`
	CreditNoteTypeCode   text   `xml:"CreditNoteTypeCode"`
	Note                 []text `xml:"Note"`
	DocumentCurrencyCode text   `xml:"DocumentCurrencyCode"`
	TaxCurrencyCode      text   `xml:"TaxCurrencyCode"`
	BuyerReference       text   `xml:"BuyerReference"`
	OrderReference       struct {
		ID           text `xml:"ID"`
		SalesOrderID text `xml:"SalesOrderID"`
	} `xml:"OrderReference"`
	BillingReference []struct {
		Invoice    *reference `xml:"InvoiceDocumentReference"`
		CreditNote *reference `xml:"CreditNoteDocumentReference"`
	} `xml:"BillingReference"`
	DespatchDocumentReference []reference   `xml:"DespatchDocumentReference"`
	ReceiptDocumentReference  []reference   `xml:"ReceiptDocumentReference"`
	ContractDocumentReference []reference   `xml:"ContractDocumentReference"`
	AccountingSupplierParty   *holder       `xml:"AccountingSupplierParty"`
	AccountingCustomerParty   *holder       `xml:"AccountingCustomerParty"`
	PayeeParty                *party        `xml:"PayeeParty"`
	Delivery                  []deliveryXML `xml:"Delivery"`
	PaymentMeans              []paymentXML  `xml:"PaymentMeans"`
	PaymentTerms              []struct {
		Note []text `xml:"Note"`
	} `xml:"PaymentTerms"`
	AllowanceCharge    []allowance    `xml:"AllowanceCharge"`
	TaxTotal           []taxTotal     `xml:"TaxTotal"`
	LegalMonetaryTotal *monetaryTotal `xml:"LegalMonetaryTotal"`
	InvoiceLine        []line         `xml:"InvoiceLine"`
	CreditNoteLine     []line         `xml:"CreditNoteLine"`
}

type deliveryXML struct {
	ActualDeliveryDate text `xml:"ActualDeliveryDate"`
	DeliveryLocation   struct {
		ID *identifier `xml:"ID"`
	} `xml:"DeliveryLocation"`
}

type paymentXML struct {
	PaymentMeansCode text   `xml:"PaymentMeansCode"`
	PaymentDueDate   text   `xml:"PaymentDueDate"`
	PaymentID        []text `xml:"PaymentID"`
	Account          struct {
		ID     text `xml:"ID"`
		Name   text `xml:"Name"`
		Branch struct {
			ID text `xml:"ID"`
		} `xml:"FinancialInstitutionBranch"`
	} `xml:"PayeeFinancialAccount"`
}

// check bounds the lists.
func (x *invoiceXML) check() error {
	return bound(
		list{"line", len(x.InvoiceLine) + len(x.CreditNoteLine), MaxLines}, list{"Note", len(x.Note), MaxList},
		list{"BillingReference", len(x.BillingReference), MaxList}, list{"PaymentMeans", len(x.PaymentMeans), MaxList},
		list{"AllowanceCharge", len(x.AllowanceCharge), MaxList}, list{"TaxTotal", len(x.TaxTotal), MaxList}, list{"Delivery", len(x.Delivery), MaxList},
	)
}

// plain gives the invoice, and reports all that does not add up.
func (x *invoiceXML) plain(r *report, credit bool) *Invoice {
	s := x.sums(r, credit)
	i := &Invoice{
		Number: string(x.ID), TypeCode: string(x.InvoiceTypeCode + x.CreditNoteTypeCode), Issued: r.day(x.IssueDate, "/cbc:IssueDate"),
		Due: r.day(x.DueDate, "/cbc:DueDate"), Currency: domain.Currency(x.DocumentCurrencyCode), AccountingCurrency: domain.Currency(x.TaxCurrencyCode),
		Notes: strung(x.Note), BuyerReference: string(x.BuyerReference), Order: string(x.OrderReference.ID), SalesOrder: string(x.OrderReference.SalesOrderID),
		Despatches: references(x.DespatchDocumentReference), Receipts: references(x.ReceiptDocumentReference),
		Supplier: x.AccountingSupplierParty.plain(), Buyer: x.AccountingCustomerParty.plain(),
	}
	for _, contract := range x.ContractDocumentReference {
		i.Contract = string(contract.ID)
	}
	for _, b := range x.BillingReference {
		for _, ref := range []*reference{b.Invoice, b.CreditNote} {
			if ref != nil {
				i.Preceding = append(i.Preceding, references([]reference{*ref})...)
			}
		}
	}
	if x.PayeeParty != nil {
		payee := x.PayeeParty.plain()
		i.Payee = &payee
	}
	for _, d := range x.Delivery {
		i.Delivered, i.Place = r.day(d.ActualDeliveryDate, "/cac:Delivery/cbc:ActualDeliveryDate"), d.DeliveryLocation.ID.plain()
	}
	x.pay(r, i)
	s.checkPresence(x)
	i.Allowances = s.plainAllowances(x.AllowanceCharge, "", "BR-DEC-01", "BR-DEC-05")
	i.VAT, i.Totals, i.Lines = s.plainVAT(), s.plainTotals(), s.plainLines()
	s.checkTotals()
	s.checkVAT()
	s.checkAccounting(i.AccountingCurrency)
	s.checkAllowances(s.allowances, "")
	s.checkLines()
	return i
}

func (x *invoiceXML) sums(r *report, credit bool) *sums {
	s := &sums{
		report: r, rules: invoiceRules, currency: domain.Currency(x.DocumentCurrencyCode), peppol: strings.Contains(string(x.CustomizationID), "urn:fdc:peppol"),
		total: "/cac:LegalMonetaryTotal", line: "/cac:InvoiceLine[%d]", lines: x.InvoiceLine, allowances: x.AllowanceCharge,
		taxes: x.TaxTotal, totals: x.LegalMonetaryTotal,
	}
	if credit {
		s.line, s.lines = "/cac:CreditNoteLine[%d]", x.CreditNoteLine
	}
	return s
}

// pay reads how to pay. A due date that credit notes keep with the payment means counts as the document's own.
func (x *invoiceXML) pay(r *report, i *Invoice) {
	for n, p := range x.PaymentMeans {
		i.Payments = append(i.Payments, Payment{
			Code: string(p.PaymentMeansCode), IDs: strung(p.PaymentID), Account: strings.ReplaceAll(string(p.Account.ID), " ", ""),
			Name: string(p.Account.Name), BIC: string(p.Account.Branch.ID),
		})
		if i.Due == "" {
			i.Due = r.day(p.PaymentDueDate, fmt.Sprintf("/cac:PaymentMeans[%d]/cbc:PaymentDueDate", n+1))
		}
	}
	for _, terms := range x.PaymentTerms {
		i.PaymentTerms = append(i.PaymentTerms, strung(terms.Note)...)
	}
}
