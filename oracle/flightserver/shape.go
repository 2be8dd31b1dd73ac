package flightserver

import (
	"strings"
	"time"

	"aval/domain"
)

// answer is the body of a list of flights.
type answer struct {
	Links    *links   `json:"links"`
	NumPages int      `json:"num_pages"`
	Flights  []flight `json:"flights"`
}

type links struct {
	Next string `json:"next"`
}

// flight has all members of the service's flight object; those that no record knows are null.
type flight struct {
	Ident               string   `json:"ident"`
	IdentICAO           *string  `json:"ident_icao"`
	IdentIATA           *string  `json:"ident_iata"`
	FAFlightID          string   `json:"fa_flight_id"`
	Operator            *string  `json:"operator"`
	OperatorICAO        *string  `json:"operator_icao"`
	OperatorIATA        *string  `json:"operator_iata"`
	FlightNumber        *string  `json:"flight_number"`
	Registration        *string  `json:"registration"`
	ATCIdent            *string  `json:"atc_ident"`
	InboundFAFlightID   *string  `json:"inbound_fa_flight_id"`
	Codeshares          []string `json:"codeshares"`
	CodesharesIATA      []string `json:"codeshares_iata"`
	Blocked             bool     `json:"blocked"`
	Diverted            bool     `json:"diverted"`
	Cancelled           bool     `json:"cancelled"`
	PositionOnly        bool     `json:"position_only"`
	Origin              *airport `json:"origin"`
	Destination         *airport `json:"destination"`
	DepartureDelay      *int64   `json:"departure_delay"`
	ArrivalDelay        *int64   `json:"arrival_delay"`
	FiledETE            *int64   `json:"filed_ete"`
	ScheduledOut        *string  `json:"scheduled_out"`
	EstimatedOut        *string  `json:"estimated_out"`
	ActualOut           *string  `json:"actual_out"`
	ScheduledOff        *string  `json:"scheduled_off"`
	EstimatedOff        *string  `json:"estimated_off"`
	ActualOff           *string  `json:"actual_off"`
	ScheduledOn         *string  `json:"scheduled_on"`
	EstimatedOn         *string  `json:"estimated_on"`
	ActualOn            *string  `json:"actual_on"`
	ScheduledIn         *string  `json:"scheduled_in"`
	EstimatedIn         *string  `json:"estimated_in"`
	ActualIn            *string  `json:"actual_in"`
	ProgressPercent     *int64   `json:"progress_percent"`
	Status              string   `json:"status"`
	AircraftType        *string  `json:"aircraft_type"`
	RouteDistance       *int64   `json:"route_distance"`
	FiledAirspeed       *int64   `json:"filed_airspeed"`
	FiledAltitude       *int64   `json:"filed_altitude"`
	Route               *string  `json:"route"`
	BaggageClaim        *string  `json:"baggage_claim"`
	SeatsCabinBusiness  *int64   `json:"seats_cabin_business"`
	SeatsCabinCoach     *int64   `json:"seats_cabin_coach"`
	SeatsCabinFirst     *int64   `json:"seats_cabin_first"`
	GateOrigin          *string  `json:"gate_origin"`
	GateDestination     *string  `json:"gate_destination"`
	TerminalOrigin      *string  `json:"terminal_origin"`
	TerminalDestination *string  `json:"terminal_destination"`
	Type                string   `json:"type"`
	Foresight           bool     `json:"foresight_predictions_available"`
}

type airport struct {
	Code     string  `json:"code"`
	CodeICAO *string `json:"code_icao"`
	CodeIATA *string `json:"code_iata"`
	CodeLID  *string `json:"code_lid"`
	Timezone *string `json:"timezone"`
	Name     *string `json:"name"`
	City     *string `json:"city"`
	InfoURL  *string `json:"airport_info_url"`
}

func (s *Server) airport(iata string) *airport {
	a := &airport{Code: iata, CodeIATA: text(iata)}
	if known, ok := s.airports[iata]; ok {
		a.Timezone = text(known.Zone.String())
		if a.CodeICAO = text(known.ICAO); a.CodeICAO != nil {
			a.Code = known.ICAO
			a.InfoURL = text("/airports/" + known.ICAO)
		}
	}
	return a
}

// text is a string or null.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// moment is an instant in whole seconds, or null for zero.
func moment(m domain.Millis) *string {
	if m == 0 {
		return nil
	}
	return text(time.UnixMilli(int64(m)).UTC().Format(time.RFC3339))
}

// reached is an instant that is told once now has come to it.
func reached(m, now domain.Millis) domain.Millis {
	if m > now {
		return 0
	}
	return m
}

func seconds(m domain.Millis) *int64 {
	n := int64(m / 1000)
	return &n
}

// unlisted turns a status into a text that no client can know.
func unlisted(status string) string { return "XX " + strings.ToUpper(status) + " (unlisted)" }
