package api

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/latchkey/latchkey/identity/audit"
)

// exportStall is how long a reader of an export may take for one page.
const exportStall = time.Minute

// auditExport is an answer that is written as it is read: one page in memory, so
// that it has no end but that of the trail.
type auditExport struct {
	trail   *audit.Service
	filter  audit.Filter
	ctx     context.Context //nolint:containedctx // the answer is written behind the handler, in the same request
	allowed func() error
	log     *slog.Logger
	id      string // of the request
}

// auditExport refuses at once who is not allowed; allowed is asked again with
// every page, because a long export must not outlive its reader's rights.
func (s *Server) auditExport(ctx context.Context, f audit.Filter, allowed func() error) (auditExport, error) {
	return auditExport{
		trail: s.Audit, filter: f, ctx: ctx, allowed: allowed, log: s.Log, id: requestInfoOf(ctx).id,
	}, allowed()
}

// VisitExportTeamAuditResponse implements ExportTeamAuditResponseObject.
func (e auditExport) VisitExportTeamAuditResponse(w http.ResponseWriter) error { return e.write(w) }

// VisitAdminExportAuditResponse implements AdminExportAuditResponseObject.
func (e auditExport) VisitAdminExportAuditResponse(w http.ResponseWriter) error { return e.write(w) }

// write fails like any other call before the first line. After it, nothing but
// an answer without an end tells the client that this is not all.
func (e auditExport) write(w http.ResponseWriter) error {
	out := stream{ResponseController: http.NewResponseController(w), w: w}
	err := out.extend()
	if err == nil && !isHead(e.ctx) {
		err = e.trail.Export(e.ctx, e.filter, func(rows []audit.Record) error {
			if out.started {
				if err := e.allowed(); err != nil {
					return err
				}
			}
			return out.page(rows)
		})
	}
	switch {
	case err == nil:
		out.start()
		return nil
	case !out.started:
		return err
	}
	e.log.WarnContext(e.ctx, "an export of the audit trail broke off", "request_id", e.id, "error", err)
	panic(http.ErrAbortHandler)
}

// stream writes lines of JSON.
type stream struct {
	*http.ResponseController
	w       http.ResponseWriter
	buf     bytes.Buffer
	started bool
}

func (s *stream) start() {
	if s.started {
		return
	}
	s.started = true
	s.w.Header().Set("Content-Type", "application/x-ndjson")
	s.w.Header().Set("Content-Disposition", `attachment; filename="audit.ndjson"`)
	s.w.WriteHeader(http.StatusOK)
}

func (s *stream) page(rows []audit.Record) error {
	s.buf.Reset()
	lines := json.NewEncoder(&s.buf)
	for _, r := range rows {
		if err := lines.Encode(r); err != nil {
			return err
		}
	}
	s.start()
	if err := s.extend(); err != nil {
		return err
	}
	if _, err := s.w.Write(s.buf.Bytes()); err != nil {
		return err
	}
	return s.Flush()
}

// extend gives the reader time for one more page, where the server's limit is
// for a whole answer.
func (s *stream) extend() error { return s.SetWriteDeadline(time.Now().Add(exportStall)) }
