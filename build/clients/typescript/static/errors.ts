/** What goes wrong in a call or when opening the model; every error of this package is one of these. */
export class ModelError extends Error {
  override name = "ModelError";
}

/** A row, or a value in it, is not of the type that its column has. */
export class InputError extends ModelError {
  override name = "InputError";

  /**
   * @param column the raw column's name; null if the row as a whole is wrong
   * @param row its position in the batch, counted from 0
   */
  constructor(
    message: string,
    readonly column: string | null,
    readonly row: number,
  ) {
    super(message);
  }
}

/** The pipeline that the model was made of refuses this row: it has no answer. */
export class DomainError extends ModelError {
  override name = "DomainError";

  /**
   * @param column the raw column's name; null if a value computed on the way is refused
   * @param row its position in the batch, counted from 0
   * @param step the pipeline's step that refuses it; null if it is the column
   */
  constructor(
    message: string,
    readonly column: string | null,
    readonly row: number,
    readonly step: string | null = null,
  ) {
    super(message);
  }
}

/** A file of the model is missing, or is not the one that this package was generated for. */
export class ArtifactError extends ModelError {
  override name = "ArtifactError";

  /** @param file the file's name */
  constructor(
    message: string,
    readonly file: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** onnxruntime cannot load the model, is a version that answers wrongly, or failed in a call. */
export class OnnxRuntimeError extends ModelError {
  override name = "OnnxRuntimeError";
}

/** The model was closed. */
export class ClosedError extends ModelError {
  override name = "ClosedError";
}
