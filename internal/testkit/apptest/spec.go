package apptest

import (
	"bytes"
	"html"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/latchkey/latchkey/api"
)

var specRouter = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Specification())
	if err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(doc)
})

func init() { //nolint:gochecknoinits // the library keeps its decoders in the process
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/event-stream", openapi3filter.PlainBodyDecoder)
}

// answered has "operationId status" for every answer that a test got.
var answered sync.Map

// Unanswered lists the operations of the specification, each with the success
// status that it never answered in all the tests of this process.
func Unanswered() ([]string, error) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Specification())
	if err != nil {
		return nil, err
	}
	var out []string
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for status := range op.Responses.Map() {
				if _, ok := answered.Load(op.OperationID + " " + status); !ok && status != "default" {
					out = append(out, method+" "+path+" "+status)
				}
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// checkAgainstSpec asserts that the specification describes the answer.
func checkAgainstSpec(t *testing.T, req *http.Request, res *http.Response, body []byte) {
	t.Helper()
	router, err := specRouter()
	if err != nil {
		t.Fatal(err)
	}
	route, params, err := router.FindRoute(req)
	if err != nil {
		return // not in the contract: 404 and 405
	}
	answered.Store(route.Operation.OperationID+" "+strconv.Itoa(res.StatusCode), true)
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		return // the page a person sees instead of a problem document
	}
	err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
		Status:                 res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		t.Errorf("%s %s answered what the specification does not describe: %v\n%s", req.Method, req.URL.Path, err, body)
	}
}

func htmlUnescape(s string) string { return html.UnescapeString(s) }
