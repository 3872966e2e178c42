declare module 'swagger-ui-dist/swagger-ui-es-bundle.js' {
  // The part of the library's configuration that is used here.
  export default function SwaggerUI(options: {
    url: string
    domNode: HTMLElement
    deepLinking?: boolean
    docExpansion?: 'list' | 'full' | 'none'
    defaultModelsExpandDepth?: number
  }): unknown
}
