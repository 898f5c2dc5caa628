# Serves glmnet fits to glmnet.py: reads the data once, then one threshold a line from stdin.
# Each answer: a file with the coefficients of the last values, and one line with the seconds.
suppressMessages({library(Matrix); library(glmnet)})
folder <- commandArgs(trailingOnly = TRUE)[1]
doubles <- function(name, count) readBin(file.path(folder, name), "double", count)
integers <- function(name, count) readBin(file.path(folder, name), "integer", count)

size <- doubles("size", 7)
names(size) <- c("n", "p", "stored", "lambdas", "kept", "mixing", "logistic")
if (size["stored"] > 0) {
  X <- sparseMatrix(i = integers("indices", size["stored"]), p = integers("indptr", size["p"] + 1),
                    x = doubles("X", size["stored"]), dims = c(size["n"], size["p"]),
                    index1 = FALSE)
} else {
  X <- matrix(doubles("X", size["n"] * size["p"]), size["n"], size["p"])
}
y <- doubles("y", size["n"])
lambda <- doubles("lambda", size["lambdas"])
family <- if (size["logistic"] == 1) "binomial" else "gaussian"
# never stop a path early: every lambda must be solved
glmnet.control(fdev = 0, devmax = 1, mnlam = length(lambda))

input <- file("stdin", open = "r")
cat("ready\n")
while (length(line <- readLines(input, n = 1)) > 0) {
  spent <- system.time(
    fit <- glmnet(X, y, family = family, alpha = size["mixing"], lambda = lambda,
                  standardize = FALSE, intercept = FALSE, thresh = as.numeric(line), maxit = 1e8),
    gcFirst = FALSE)
  found <- ncol(fit$beta)
  if (found == length(lambda)) {
    beta <- fit$beta[, seq(found - size["kept"] + 1, found), drop = FALSE]
    writeBin(c(beta@p, beta@i), file.path(folder, "pattern"))
    writeBin(beta@x, file.path(folder, "values"))
  }
  cat(found, spent["elapsed"], spent["user.self"] + spent["sys.self"], "\n")
}
