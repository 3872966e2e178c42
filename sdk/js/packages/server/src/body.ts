/**
 * readBody returns the body of a request, or undefined if it has more than max bytes. Then it stops reading: nothing that
 * somebody sends takes more memory than that.
 */
export async function readBody(request: Request, max: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > max) return undefined
  if (request.bodyUsed) throw new TypeError('the body of the request was read already')
  const chunks: Uint8Array[] = []
  let size = 0
  const reader = request.body?.getReader()
  for (let chunk = await reader?.read(); chunk && !chunk.done; chunk = await reader?.read()) {
    size += chunk.value.length
    if (size > max) {
      void reader?.cancel().catch(() => undefined)
      return undefined
    }
    chunks.push(chunk.value)
  }
  const body = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    body.set(chunk, at)
    at += chunk.length
  }
  return body
}
