package aeroapi

import (
	"encoding/json"
	"net/url"
	"time"

	"aval/domain"
)

// answer is the part of a body that is read; the service may add members at any time.
type answer struct {
	Links *struct {
		Next *string `json:"next"`
	} `json:"links"`
	Flights *[]row `json:"flights"`
	// Status is that of an error body.
	Status *int `json:"status"`
}

// row is one flight as the service tells it. Times stay text, so that a bad one spoils its row only.
type row struct {
	FAFlightID   string  `json:"fa_flight_id"`
	Operator     *string `json:"operator"`
	OperatorICAO *string `json:"operator_icao"`
	OperatorIATA *string `json:"operator_iata"`
	FlightNumber *string `json:"flight_number"`
	Type         string  `json:"type"`
	Blocked      bool    `json:"blocked"`
	PositionOnly bool    `json:"position_only"`
	Cancelled    bool    `json:"cancelled"`
	Diverted     bool    `json:"diverted"`
	Origin       *place  `json:"origin"`
	Destination  *place  `json:"destination"`
	ScheduledOut *string `json:"scheduled_out"`
	ScheduledIn  *string `json:"scheduled_in"`
	ActualOut    *string `json:"actual_out"`
	ActualOn     *string `json:"actual_on"`
	ActualIn     *string `json:"actual_in"`
}

type place struct {
	Code     *string `json:"code"`
	CodeICAO *string `json:"code_icao"`
	CodeIATA *string `json:"code_iata"`
	CodeLID  *string `json:"code_lid"`
}

// decode reads a body that came with status 200. An error body gives its own status. What is
// neither a list of flights nor an error body is errUnreadable.
func decode(body []byte) (answer, int, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return answer{}, 0, errUnreadable
	}
	if a.Flights != nil {
		return a, 200, nil
	}
	if a.Status != nil && *a.Status >= 400 && *a.Status < 600 {
		return answer{}, *a.Status, nil
	}
	return answer{}, 0, errUnreadable
}

func (a answer) rows() []row {
	if a.Flights == nil {
		return nil
	}
	return *a.Flights
}

// cursor takes nothing but the cursor from links.next: the address itself is ours.
func (a answer) cursor() string {
	if a.Links == nil || a.Links.Next == nil {
		return ""
	}
	next, err := url.Parse(*a.Links.Next)
	if err != nil {
		return ""
	}
	return next.Query().Get("cursor")
}

// is says whether the place may be the one with that code: one of its codes is.
func (p *place) is(code string) bool {
	if p == nil {
		return false
	}
	for _, c := range []*string{p.Code, p.CodeIATA, p.CodeICAO, p.CodeLID} {
		if c != nil && *c == code {
			return true
		}
	}
	return false
}

// flownBy says whether the carrier may be the operator: codes of the same length agree, or
// the row has none of that length.
func (r row) flownBy(carrier string) bool {
	for _, c := range []*string{r.OperatorIATA, r.OperatorICAO, r.Operator} {
		if c != nil && len(*c) == len(carrier) {
			return *c == carrier
		}
	}
	return true
}

func (r row) numbered(number string) bool {
	return r.FlightNumber == nil || *r.FlightNumber == "" || plain(*r.FlightNumber) == plain(number)
}

// millis reads a time; zero for null. ok is false for text that is no RFC 3339 time after 1970.
func millis(text *string) (m domain.Millis, ok bool) {
	if text == nil {
		return 0, true
	}
	t, err := time.Parse(time.RFC3339, *text)
	if err != nil || t.UnixMilli() <= 0 {
		return 0, false
	}
	return domain.Millis(t.UnixMilli()), true
}
