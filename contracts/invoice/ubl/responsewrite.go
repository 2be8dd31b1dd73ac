package ubl

import (
	"encoding/xml"
	"slices"

	"aval/domain"
)

// The specification and process that an Invoice Response of Peppol names.
const (
	responseCustomization = "urn:fdc:peppol.eu:poacc:trns:invoice_response:3"
	responseProfile       = "urn:fdc:peppol.eu:poacc:bis:invoice_response:3"
)

// responseFile is an ApplicationResponse with the prefixes that everybody uses, in the order of the schema.
type responseFile struct {
	XMLName       xml.Name     `xml:"ApplicationResponse"`
	Space         string       `xml:"xmlns,attr"`
	Aggregates    string       `xml:"xmlns:cac,attr"`
	Basics        string       `xml:"xmlns:cbc,attr"`
	Customization string       `xml:"cbc:CustomizationID"`
	Profile       string       `xml:"cbc:ProfileID"`
	ID            string       `xml:"cbc:ID"`
	IssueDate     domain.Date  `xml:"cbc:IssueDate"`
	Sender        partyFile    `xml:"cac:SenderParty"`
	Receiver      partyFile    `xml:"cac:ReceiverParty"`
	Code          string       `xml:"cac:DocumentResponse>cac:Response>cbc:ResponseCode"`
	Effective     domain.Date  `xml:"cac:DocumentResponse>cac:Response>cbc:EffectiveDate,omitempty"`
	Status        []statusFile `xml:"cac:DocumentResponse>cac:Response>cac:Status"`
	Invoice       string       `xml:"cac:DocumentResponse>cac:DocumentReference>cbc:ID"`
	InvoiceDate   string       `xml:"cac:DocumentResponse>cac:DocumentReference>cbc:IssueDate,omitempty"`
	InvoiceType   string       `xml:"cac:DocumentResponse>cac:DocumentReference>cbc:DocumentTypeCode"`
}

type partyFile struct {
	Endpoint *identifierFile `xml:"cbc:EndpointID"`
	Name     string          `xml:"cac:PartyLegalEntity>cbc:RegistrationName"`
}

type identifierFile struct {
	Scheme string `xml:"schemeID,attr,omitempty"`
	Value  string `xml:",chardata"`
}

type statusFile struct {
	Code *codeFile `xml:"cbc:StatusReasonCode"`
	Text string    `xml:"cbc:StatusReason,omitempty"`
}

type codeFile struct {
	List  string `xml:"listID,attr"`
	Value string `xml:",chardata"`
}

// Format writes an answer as an Invoice Response of Peppol BIS 3 (T111). It refuses one that the standard would: an
// unknown code, an answer that is no plain yes without a reason, and one that Parse would not give back.
func (r Response) Format() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	file := responseFile{
		Space: schemas + "ApplicationResponse-2", Aggregates: aggregates, Basics: basics, Customization: responseCustomization, Profile: responseProfile,
		ID: r.ID, IssueDate: r.Issued, Sender: r.Sender.file(), Receiver: r.Receiver.file(), Code: r.Code, Effective: r.Effective,
		Invoice: r.Invoice.ID, InvoiceDate: r.Invoice.Date, InvoiceType: r.Invoice.TypeCode,
	}
	for _, reason := range r.Reasons {
		status := statusFile{Text: reason.Text}
		if reason.Code != "" {
			status.Code = &codeFile{List: reason.List, Value: reason.Code}
		}
		file.Status = append(file.Status, status)
	}
	text, err := xml.MarshalIndent(file, "", "  ")
	if err != nil {
		return nil, domain.Refuse(domain.Malformed, "response: %.120s", err.Error())
	}
	return append([]byte(xml.Header), append(text, '\n')...), nil
}

func (r Response) check() error {
	if !slices.Contains([]string{Acknowledged, InProcess, UnderQuery, ConditionallyAccepted, Rejected, Accepted, Paid}, r.Code) {
		return domain.Refuse(domain.Malformed, "response: code %.8q is none of AB, IP, UQ, CA, RE, AP, PD", r.Code)
	}
	if r.ID == "" || r.Invoice.ID == "" || r.Invoice.TypeCode == "" || r.Sender.Name == "" || r.Receiver.Name == "" {
		return domain.Refuse(domain.Malformed, "response: want an ID, the invoice with its type, and the names of sender and receiver")
	}
	if err := r.Issued.Check("issued"); err != nil {
		return err
	}
	var found report
	if found.clarified(&r); len(found.exceptions) > 0 {
		return domain.Refuse(domain.Malformed, "response: %s", found.exceptions[0].Text)
	}
	return nil
}

func (p Party) file() partyFile {
	f := partyFile{Name: p.Name}
	if p.Endpoint != (Identifier{}) {
		f.Endpoint = &identifierFile{Scheme: p.Endpoint.Scheme, Value: p.Endpoint.Value}
	}
	return f
}
